/** Whether an input method is composing with a key, which then chooses a word and does nothing else. */
export function isComposing({ isComposing, keyCode }: KeyboardEvent): boolean {
  return isComposing || keyCode === 229; // what Safari says of the key that ends it
}
