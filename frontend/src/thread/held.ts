import { useQuery } from "@tanstack/react-query";
import type { Conversation } from "../api/types";
import { useDesk } from "../desk";
import { SETTLED_AFTER } from "../desk/histories";

/** How many messages the pause keeps from the bot; undefined until that is known, and while there is no pause. */
export function useHeld({ id, epoch, paused, last_message }: Conversation): number | undefined {
  const desk = useDesk();
  const query = useQuery({
    queryKey: ["held", id, epoch, last_message?.id],
    queryFn: () => desk.api.conversation(id).then((one) => one.held ?? 0),
    enabled: paused !== null,
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => (state.dataUpdateCount < 2 ? SETTLED_AFTER : false),
  });
  return paused === null ? undefined : query.data;
}
