import type { Answerer } from "./answers.ts";

const shout: Answerer = ({ text }) => ({ text: text.toUpperCase() });
export default shout;
