import { createClient } from '../../../libs/client/dist/trivium-client.js';

/** `?hub=ws://…` names another hub, `?room=…` another room. */
const query = new URLSearchParams(location.search);
const topic = `chat/${query.get('room') ?? 'lobby'}`;
const client = createClient({ url: query.get('hub') ?? 'ws://127.0.0.1:8083/' });

const [status, list, form] = ['[role=status]', 'ul', 'form'].map((name) => document.querySelector(name));
client.on('connected', ({ clientId }) => (status.textContent = `connected as ${clientId}`));
client.on('disconnected', ({ reason }) => (status.textContent = `connecting again … ${reason}`));

const show = (text) => {
  const line = document.createElement('li');
  line.textContent = text;
  list.append(line);
  return line;
};

// What is said while this page has no connection comes when it has one again, once and in order.
const hear = ({ payload }) =>
  show(payload?.words === undefined ? payload : `${payload.who}: ${payload.words}`);
client.subscribe(topic, hear).catch((error) => show(`not subscribed: ${error.message}`));

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { who, words } = Object.fromEntries(new FormData(form));
  form.elements.words.value = '';
  // Kept, and sent again, until the hub has stored it.
  client.publish(topic, { who, words }).catch((error) => show(`not said: ${error.message}`));
});
