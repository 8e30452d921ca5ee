/** Sends what an operator writes: once, and in a conversation one after the other. */
import { type Api, ApiError } from "../api/client";
import type { Message } from "../api/types";
import type { Cell } from "../state/cell";
import type { Outbox, Sending } from "../state/outbox";
import * as outboxes from "../state/outbox";
import { t } from "../words";
import { reason, repeated } from "./calls";
import type { Histories } from "./histories";

export interface Sender {
  send(id: string, text: string): Promise<boolean>;
  retry(id: string, message: Message): Promise<boolean>;
  /**
   * Sends what was written before this time and is still being sent, as a tab that is gone has left it. What is older
   * than ten minutes is left to the operator, as not sent.
   */
  resend(before?: number): void;
}

/** What became of a send: its row, where the server has one, and why it was not sent. */
export interface Outcome {
  row: Message | null;
  fault: string | null;
}

/** After so long an operator decides whether it still holds. */
const LATEST = 600_000;
const isLate = ({ retry, at }: Sending) => !retry && Date.parse(at) < Date.now() - LATEST;

export function createSender(
  api: Api,
  histories: Histories,
  outbox: Cell<Outbox>,
  ended: (id: string, outcome: Outcome) => void,
): Sender {
  const sends = new Map<string, Promise<boolean>>();

  /** The user reads what is sent in the order in which it was written. */
  function inTurn(id: string, send: () => Promise<boolean>): Promise<boolean> {
    const before = sends.get(id);
    const turn = before === undefined ? send() : before.then(send, send);
    sends.set(id, turn);
    void turn.finally(() => sends.get(id) === turn && sends.delete(id));
    return turn;
  }

  /** Sends, which pauses a bot that is active; a repeat does nothing twice: it asks what became of it. */
  async function deliver(sending: Sending, again = sending.retry): Promise<boolean> {
    const { conversation: id, client_id, text, seen } = sending;
    let retry = again;
    try {
      const row = await repeated(() => {
        if (isLate(sending)) throw new ApiError(408, "late", t("fault.left")); // a computer has slept meanwhile
        const sent = api.send(id, { client_id, text, retry, ...(seen && { seen_id: seen }) });
        retry = false;
        return sent;
      });
      histories.put(id, row);
      ended(id, { row, fault: row.failure?.message ?? null });
      return row.failure === null;
    } catch (error) {
      ended(id, { row: refused(id, client_id, error), fault: reason(error) });
      return false;
    }
  }

  function refused(id: string, clientId: string, error: unknown): Message | null {
    if (!(error instanceof ApiError && error.refused)) {
      outbox.update((all) => outboxes.failed(all, clientId, reason(error)));
      return null;
    }
    if (error.said) histories.put(id, error.said);
    histories.put(id, error.refused);
    void histories.freshen(id);
    return error.refused;
  }

  return {
    send(id, text) {
      const sendings = outboxes.split(text).map((part, place) => ({
        client_id: crypto.randomUUID(),
        conversation: id,
        text: part,
        at: new Date(Date.now() + place).toISOString(),
        seen: histories.newest(id),
        fault: null,
        retry: false,
      }));
      outbox.update((all) => sendings.reduce(outboxes.add, all));
      return inTurn(id, async () => {
        let isSent = true;
        for (const sending of sendings) {
          if (isSent) isSent = await deliver(sending);
          else outbox.update((all) => outboxes.failed(all, sending.client_id, t("fault.part")));
        }
        return isSent;
      });
    },
    async retry(id, message) {
      const client_id = outboxes.clientIdOf(message);
      if (client_id === null || message.text === null) return false;
      const mine = outbox.get().find((one) => one.client_id === client_id);
      const sending: Sending = {
        client_id,
        conversation: id,
        text: message.text,
        at: mine?.retry === false ? new Date().toISOString() : message.sent_at,
        seen: histories.newest(id),
        fault: null,
        retry: mine?.retry ?? true,
      };
      outbox.update((all) => outboxes.add(all, sending));
      return inTurn(id, () => deliver(sending));
    },
    resend(before = Number.POSITIVE_INFINITY) {
      const stuck = new Set<string>();
      for (const one of outbox.get()) {
        const { conversation: id, client_id } = one;
        if (one.fault !== null || Date.parse(one.at) >= before) continue;
        if (isLate(one)) {
          outbox.update((all) => outboxes.failed(all, client_id, t("fault.left")));
          continue;
        }
        void inTurn(id, async () => {
          const isLeft = outbox.get().some((now) => now.client_id === client_id && now.fault === null);
          if (!isLeft) return false;
          if (stuck.has(id)) outbox.update((all) => outboxes.failed(all, client_id, t("fault.part")));
          else if (await deliver(one, false)) return true;
          if (!one.retry) stuck.add(id);
          return false;
        });
      }
    },
  };
}
