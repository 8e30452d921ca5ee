/** The dashboard's own small pictures; what they mean is always said in words beside them or in a label. */
const PATHS = {
  back: "m14 6-6 6 6 6",
  more: "m7 10 5 5 5-5",
  down: "M12 5v14m-6-6 6 6 6-6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.5 4.5",
  settings:
    "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm0-12v3m0 12v3m9-9h-3M6 12H3m15.4-6.4-2.1 2.1M7.7 16.3l-2.1 2.1m12.8 0-2.1-2.1M7.7 7.7 5.6 5.6",
  help: "M9.2 9.3a2.8 2.8 0 1 1 4 2.6c-.8.4-1.2 1-1.2 1.9m0 2.9v.3M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  stop: "M8 3.5h8l4.5 4.5v8L16 20.5H8L3.5 16V8Zm2 5.5v6m4-6v6",
  close: "m6 6 12 12M18 6 6 18",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4m-4-4h10",
  send: "M4 12 20 4l-5 16-4-7Z",
  pause: "M9 5v14M15 5v14",
  bot: "M12 4v3M6 7h12a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2Zm3 5v2m6-2v2M1.5 12v3m21-3v3",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8a7.5 7.5 0 0 1 15 0",
  operator:
    "M4 14v-2a8 8 0 0 1 16 0v2M4 14a2 2 0 0 1 4 0v3a2 2 0 0 1-4 0Zm16 0a2 2 0 0 0-4 0v3a2 2 0 0 0 4 0Zm0 3c0 2.5-2.5 4-6 4",
  clock: "M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  alert: "M12 9v4.5m0 3v.5M10.3 4.3 2.8 17.5A2 2 0 0 0 4.5 20.5h15a2 2 0 0 0 1.7-3L13.7 4.3a2 2 0 0 0-3.4 0Z",
  bell: "M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15Zm4 4.5h4",
  check: "m5 12.5 4.5 4.5L19 7.5",
  inbox: "M3.5 13 6 5h12l2.5 8v6h-17Zm0 0H9a3 3 0 0 0 6 0h5.5",
  note: "M12 8v5m0 3v.5M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  checks: "m2.5 12.5 4.5 4.5 9-9.5M12 16l1 1 8.5-9.5",
  hold: "M5 11h14v9H5Zm3 0V8a4 4 0 0 1 8 0v3",
  tap: "M9 11V5.5a1.5 1.5 0 0 1 3 0V11l5.5 1.2a2 2 0 0 1 1.5 2.3l-.8 4A3 3 0 0 1 15.3 21H11l-5-6.5c-.8-1.2.9-2.6 2-1.6l1 1Z",
  file: "M7 3h7l5 5v13H7Zm7 0v5h5",
  pin: "M12 21s7-6.5 7-11.5a7 7 0 0 0-14 0C5 14.5 12 21 12 21Zm0-9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  gone: "M4 4l16 16M9 5h10v10M5 9v10h10",
  reply: "m9 6-5 5 5 5m-5-5h9a7 7 0 0 1 7 7v1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
