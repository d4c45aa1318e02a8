import type { Logger } from '@trivium/bus';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
