export { createDelivery } from './delivery.ts';
export type { Delivered } from './delivered.ts';
export type { Attachment, Delivery, Receiver, Subscription } from './receiver.ts';
