// Bounds of the template engine. A template is user text that runs in our process: whatever it says, it ends.

export interface TemplateLimits {
  readonly outputCharsMax: number;
  readonly stepsMax: number;
  readonly depthMax: number;
}

/** A notification of a thousand alerts takes some 300 KB; ten times that is no message any more. */
const OUTPUT_CHARS_MAX = 4 * 1024 * 1024;
/** Some hundred steps an alert at ten thousand alerts; takes below a second. */
const STEPS_MAX = 1_000_000;
/** Nested template calls. Go allows 100,000; ours share the JavaScript stack, and real ones nest below ten. */
const DEPTH_MAX = 100;

export const TEMPLATE_LIMITS: TemplateLimits = {
  outputCharsMax: OUTPUT_CHARS_MAX,
  stepsMax: STEPS_MAX,
  depthMax: DEPTH_MAX,
};

/** Nesting of actions and parentheses in the text of one template: the parser recurses. */
export const NESTING_MAX = 200;
/** A template longer than this is refused unread. */
export const TEMPLATE_CHARS_MAX = 1024 * 1024;
/** Nesting of a value that is printed: a list that holds lists that hold lists … */
export const VALUE_DEPTH_MAX = 50;
/** Width and precision of a printf verb; what is beyond is a mistake or an attack. */
export const PRINTF_WIDTH_MAX = 10_000;
/** Distinct queries that one expansion may ask through `query`. */
export const QUERIES_MAX = 20;
