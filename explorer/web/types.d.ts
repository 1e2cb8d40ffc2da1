// What the server tells the browser's modules, and what they hand to each other. `tsc` checks them; nothing of this is
// loaded by a browser.

// ---- elements -----------------------------------------------------------------------------------------------------

export type Attributes = Record<string, string | number | boolean | null | undefined>;
export type Child = Node | string | number;
export type Theme = "light" | "dark";
/** The colour of a CSS variable, for a method where one is named. */
export type Paint = (name: string, method?: string) => string;
export type Point = [x: number, y: number];
export type Act = () => unknown;

// ---- what is asked ------------------------------------------------------------------------------------------------

export interface Picture {
  sample?: string;
  dataset?: string;
  index?: number;
  token?: string;
}
export type Row = { dataset: string; index: number };
export type RecipeStep = [name: string, amount: number];
export interface Recipe {
  steps: RecipeStep[];
  seed: number;
  against: string | null;
  quantised: boolean;
}
export interface Pinned {
  picture: Picture;
  recipe: Recipe;
}
export interface Question {
  picture: Picture;
  models: string[];
  recipe: Recipe;
  reference?: Pinned;
}
export interface Step {
  name: string;
  amount: number;
  on: boolean;
}
export interface State {
  family: string;
  models: string[];
  picture: Picture;
  steps: Step[];
  seed: number;
  against: string | null;
  quantised: boolean;
  reference: Pinned | null;
}

// ---- what the page knows from the start ---------------------------------------------------------------------------

export interface Range {
  low: number;
  high: number;
  step: number;
  identity: number;
  inverted: boolean;
  marks: number[] | null;
}
/** How the amounts of a distortion are written. */
export interface Unit {
  sign: string;
  symbol: string;
  factor: number;
}
export interface Distortion extends Unit {
  title: string;
  help: string;
  unit: string;
  default: number;
  adversarial: boolean;
  searched: boolean;
  sides: Record<string, Range>;
}
export interface Model {
  name: string;
  title: string;
  subtitle: string;
  method: string;
  help: string;
}
export interface Family {
  key: string;
  title: string;
  size: number;
  channels: number;
  data: string[];
  defaults: string[];
  models: Model[];
}
export interface DataSet {
  name: string;
  title: string;
  here: boolean;
  channels: number;
  classes: string[];
  rows: number;
  bytes: number;
  kept: number;
  host: string;
}
export interface Catalogue {
  families: Family[];
  distortions: Record<string, Distortion>;
  samples: { sample: string; thumb: string }[];
  datasets: DataSet[];
  limits: { steps: number; bytes: number };
  first: { family: string; models: string[]; steps: RecipeStep[]; picture?: Picture };
}

// ---- what the panel paints ----------------------------------------------------------------------------------------

export interface Probability {
  label: string;
  probability: number;
}
export interface Distance {
  l2: number;
  cosine: number;
}
export interface ModelAnswer {
  name: string;
  title: string;
  subtitle: string;
  method: string;
  baseline: boolean;
  clean: Probability[];
  distorted: Probability[];
  flipped: boolean;
  confidence: number;
  margin: number;
  kl: number;
  feature_distance: Record<string, Distance>;
  feature_percentile: number | null;
}
export interface Images {
  clean: string;
  distorted: string;
}
export interface Answer {
  images: Images;
  pinned: string | null;
  side: number;
  pixels: string;
  image_hash: string;
  label: string | null;
  recipe: string;
  input: { psnr: number | null; ssim: number | null; l2: number; linf: number };
  models: ModelAnswer[];
  timing: Record<string, number>;
}
export interface Failure {
  error: string;
}
/** What the panel's host hands it; the panel only counts the models. */
export type PanelState = { models?: unknown[] };
export interface Panel<S extends PanelState> {
  update(state: S, options?: { live?: boolean }): void;
  answer(): Answer | null;
  destroy(): void;
}

export interface Band {
  mean?: number[];
  low: number[];
  high: number[];
}
export type CurveKey = "confidence" | "margin" | "feature_distance";
/** One line of a chart. */
export interface Line {
  name: string;
  title: string;
  method: string;
}
export interface CurveModel extends Line {
  clean: string;
  followed: string;
  predictions: string[];
  confidence: number[];
  margin: number[];
  feature_distance: number[];
  flip_point: number | null;
  band: (Record<CurveKey, Band> & { n: number; flip_points: (number | null)[] }) | null;
}
/** The axis of curves: amounts from mild to strong. */
export interface Axis extends Unit {
  title: string;
  unit: string;
  amounts: number[];
}
export interface Curves extends Axis {
  step?: number | null;
  exact?: boolean;
  random?: boolean;
  at?: number | null;
  models: CurveModel[];
}
/** Curves of any key, as the chart draws them. */
export interface ChartCurves<K extends string> extends Axis {
  models: (Line & Record<K, number[]> & { band?: Record<K, Band> | null })[];
}
export interface Chart {
  group: SVGGElement;
  px: (amount: number) => number;
  py: (value: number) => number;
  hit: SVGRectElement;
  format: (value: number) => string;
}
export type PanelChart = Chart & { key: CurveKey; x: number; y: number };
export interface Drawn {
  svg: SVGSVGElement;
  charts: PanelChart[];
  now: SVGPathElement;
  hover: SVGPathElement;
  across: number;
  curves: Curves;
}

// ---- asking the server --------------------------------------------------------------------------------------------

// biome-ignore lint/suspicious/noExplicitAny: what the server's functions answer is known where they are called
export type Server = Record<string, (question: any) => any>;
export type Progress = (done: number, total: number) => void;
export interface Jobs {
  // biome-ignore lint/suspicious/noExplicitAny: each job has an answer of its own
  run(job: string, question: object, options?: { key?: string; progress?: Progress }): Promise<any>;
  cancel(key: string): void;
}
export interface Notice {
  show(sentence: string, options?: { undo?: Act; error?: boolean }): void;
  clear(): void;
}

// ---- the page Explore -----------------------------------------------------------------------------------------------

/** A row of a data set as a thumbnail. */
export interface Item {
  index: number;
  label: string | null;
  thumb: string;
  error?: string;
}
export interface Flip {
  method: string;
  title: string;
  amount: number;
}
/** What the tabs and windows may know and change of the page. */
export interface Page {
  question(): Question;
  state(): State;
  answer(): Answer | null;
  kind(name: string): Distortion;
  range(step: { name: string }): Range;
  title(name: string): string;
  method(name: string): string | undefined;
  setAmount(index: number, amount: number, options?: { live?: boolean }): void;
  setSteps(steps: Step[], options?: { words?: string; against?: string | null }): void;
  setAgainst(name: string): void;
  choosePicture(picture: Picture, options?: { thumb?: string; name?: string }): void;
  suits(picture: Picture): boolean;
  activeStep(): number | null;
  sweptIndex(): number | null;
  markFlips(index: number, flips: Flip[]): void;
  link(): string;
  ownTravels(): boolean;
}
export interface News {
  answer: Answer;
  question: Question;
  live: boolean;
}
export interface View {
  update(news: News): void;
  hide?(): void;
}
/** What a tab's view is made with. */
export interface ViewParts {
  element: HTMLElement;
  page: Page;
  jobs: Jobs;
  server: Server;
  notice: Notice;
  catalogue: Catalogue;
}
export interface MadeHistory {
  record(): void;
  undo(): void;
  redo(): void;
  next(): { undo: string | undefined; redo: string | undefined };
  list(): string[];
  back(count: number): void;
}
