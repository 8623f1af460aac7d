// Who is next: a pure step. So many queries run at once; the others wait, in the order of their coming within one client, and
// clients take turns. A full list refuses the newest of whoever waits with the most.

export interface ClientQueue {
  readonly client: string;
  /** The oldest first; never empty. */
  readonly ids: readonly number[];
}

export interface QueueState {
  readonly running: ReadonlySet<number>;
  /** In the order of their turns. */
  readonly clients: readonly ClientQueue[];
}

export interface QueueLimits {
  readonly runningMax: number;
  readonly waitingMax: number;
}

export interface QueueStep {
  readonly state: QueueState;
  /** To be begun now. */
  readonly begin: readonly number[];
  /** There is no room for it any more. */
  readonly refuse: readonly number[];
}

export const EMPTY_QUEUE: QueueState = { running: new Set(), clients: [] };

export function waitingIn({ clients }: QueueState): number {
  return clients.reduce((sum, { ids }) => sum + ids.length, 0);
}

export function arrive(
  state: QueueState,
  query: { readonly id: number; readonly client: string },
  limits: QueueLimits,
): QueueStep {
  const known = state.clients.some(({ client }) => client === query.client);
  const clients = known
    ? state.clients.map(one => (one.client === query.client ? { ...one, ids: [...one.ids, query.id] } : one))
    : [...state.clients, { client: query.client, ids: [query.id] }];
  const step = beginNext({ ...state, clients }, limits);
  if (waitingIn(step.state) <= limits.waitingMax) return step;
  const greediest = step.state.clients.reduce((a, b) => (b.ids.length >= a.ids.length ? b : a));
  const refused = greediest.ids.at(-1);
  if (refused === undefined) return step;
  return { ...step, state: without(step.state, refused), refuse: [refused] };
}

/** Done, or no longer wanted: whether it ran or waited. */
export function leave(state: QueueState, id: number, limits: QueueLimits): QueueStep {
  return beginNext(without(state, id), limits);
}

function without({ running, clients }: QueueState, id: number): QueueState {
  return {
    running: new Set([...running].filter(one => one !== id)),
    clients: clients.flatMap(one => {
      const ids = one.ids.filter(waiting => waiting !== id);
      return ids.length === 0 ? [] : [{ ...one, ids }];
    }),
  };
}

/** Begins what there is room for. */
export function beginNext(state: QueueState, { runningMax }: QueueLimits): QueueStep {
  const running = new Set(state.running);
  const begin: number[] = [];
  let clients = state.clients;
  while (running.size < runningMax) {
    const [next, ...others] = clients;
    const id = next?.ids[0];
    if (next === undefined || id === undefined) break;
    running.add(id);
    begin.push(id);
    const ids = next.ids.slice(1);
    clients = ids.length === 0 ? others : [...others, { ...next, ids }];
  }
  return { state: { running, clients }, begin, refuse: [] };
}
