// cli/render: answers as text, for people and for programs. Pure: what is known of the terminal comes as arguments.

export { alertsText, silencesText } from './alerts.ts';
export { type AnswerFormat, type AnswerOptions, answerText } from './answer.ts';
export { deliveriesText } from './deliveries.ts';
export { type ExplanationOptions, explanationText } from './explanation.ts';
export { failureText } from './failure.ts';
export { importText } from './import.ts';
export type { Span } from './lines.ts';
export { byteText, counted } from './numbers.ts';
export { pointedAt } from './place.ts';
export { planText } from './plan.ts';
export { progressText } from './progress.ts';
export { routedText, routeTreeText } from './routes.ts';
export { type ShadowReport, type ShownDifference, shadowText } from './shadow.ts';
export { type StatsOrder, type StatsReport, statsText } from './stats.ts';
export { type Style, styleOf } from './style.ts';
export { type TimeTexts, timeTexts, utcText } from './times.ts';
export { verifyText } from './verify.ts';
