import { useQuery } from "@tanstack/react-query";
import { useDesk } from "../desk";
import { PAGES_EVERY, STOP_EVERY } from "../live/pace";

/** The global stop, as it was read last. */
export function useStop() {
  const desk = useDesk();
  return useQuery({
    queryKey: ["stop"],
    queryFn: () => desk.api.stop(),
    staleTime: STOP_EVERY,
    refetchInterval: STOP_EVERY,
  });
}

/** The Pages, and from which of them Meta takes nothing any more; a send that shows it asks at once. */
export function usePages() {
  const desk = useDesk();
  return useQuery({
    queryKey: ["pages"],
    queryFn: () => desk.api.pages(),
    staleTime: PAGES_EVERY,
    refetchInterval: PAGES_EVERY,
  });
}
