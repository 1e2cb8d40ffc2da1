/** @import { Step, SweptStep } from "../types.d.ts" */

// The step of a chain that the curves are about: the one touched last if it is on, else the last one that is.
/** @type {(steps: Step[], touched: number | null) => SweptStep | null} */
export function sweptStep(steps, touched) {
  const last = steps.findLastIndex((step) => step.on);
  const index = touched !== null && steps[touched]?.on ? touched : last;
  if (index < 0) return null;
  return { ...steps[index], index, active: steps.slice(0, index).filter((step) => step.on).length };
}
