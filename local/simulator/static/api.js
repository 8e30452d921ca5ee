// The one module that talks to the server.

const BASE = '/simulator/api/';

/** The JSON of an answer; throws an Error with a sentence for people. */
async function ask(path, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(BASE + path, options);
  } catch {
    throw new Error('The local stack does not answer. Is make run still running?');
  }
  if (!response.ok) throw new Error((await response.text()).trim() || `The simulator answered ${response.status}.`);
  return response.json();
}

export const setup = () => ask('setup');
export const state = (customer) => ask(`state?customer=${encodeURIComponent(customer ?? '')}`);
export const status = (customer) => ask(`customers/${encodeURIComponent(customer)}/status`);
export const act = (customer, action, fields = {}) => ask(`customers/${encodeURIComponent(customer)}/${action}`, fields);
export const addCustomer = (page) => ask('customers', { page });
export const orderTrouble = (name, times) => ask('trouble', { name, times });

/** Calls `changed` whenever something changed on the server, and `connected` with whether we hear from it. */
export function listen(changed, connected) {
  const source = new EventSource(`${BASE}events`);
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  source.onmessage = changed;
}
