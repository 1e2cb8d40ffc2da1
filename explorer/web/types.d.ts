// What the server tells the browser's modules, and what they hand to each other. `tsc` checks them; nothing of this is
// loaded by a browser.

// ---- elements -----------------------------------------------------------------------------------------------------

export type Attributes = Record<string, string | number | boolean | null | undefined>;
export type Child = Node | string | number;
export type Theme = "light" | "dark";
/** The colour of a CSS variable, for a method where one is named. */
export type Paint = (name: string, method?: string) => string;
export type Point = [x: number, y: number];
export type XY = { x: number; y: number };
export type Size = { width: number; height: number };
export type Box = XY & Size;
/** Device pixels per pixel of a picture, and where its top left corner stands in the stage. */
export type Viewport = XY & { scale: number };
/** What pointers on a canvas ask for; a factor of null: two of them have come down. */
export interface PointerActs {
  pan: (x: number, y: number) => void;
  zoom: (larger: boolean, at: XY) => void;
  stretch: (factor: number | null, at: XY) => void;
  hover: (at: XY) => void;
  leave: () => void;
}
export interface LargeSources {
  clean: HTMLImageElement;
  distorted: HTMLImageElement;
  difference: HTMLCanvasElement;
  pixels: { clean: ImageData; distorted: ImageData };
}
export type Act = () => unknown;
/** A button that the panel's host has on every card. */
export interface CardAct {
  text: string;
  label: string;
  help: string;
  run: (model: string) => void;
}

// ---- what is asked ------------------------------------------------------------------------------------------------

export interface Picture {
  sample?: string;
  dataset?: string;
  index?: number;
  token?: string;
  /** The place of a frame with fresh noise: which draws are its own. */
  draw?: number;
}
export type Row = { dataset: string; index: number };
export type RecipeStep = [name: string, amount: number];
export interface Recipe {
  steps: RecipeStep[];
  seed: number;
  against: string | null;
  quantised: boolean;
  /** What it distorts. */
  on: "input" | "photograph";
  /** Where each network's part of the photograph lies, as shares of the free room. */
  window?: [number, number];
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
/** What the panel asks. */
export interface PanelQuestion extends Question {
  watched: number[];
  doubt: DoubtLimit | null;
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
  on: "input" | "photograph";
  window: [number, number];
  /** Indices of classes that every card shows besides the likeliest. */
  watched: number[];
  /** How much doubt is too much. */
  doubt: DoubtLimit | null;
  reference: Pinned | null;
}
export interface DoubtLimit {
  score: string;
  limit: number;
}

// ---- what the page knows from the start ---------------------------------------------------------------------------

export interface Range {
  low: number;
  high: number;
  step: number;
  identity: number;
  inverted: boolean;
  severities: number[] | null;
  /** What a survey asks about where none are named. */
  amounts: number[];
  /** The data set that the severities were published for. */
  published: string | null;
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
  /** Group in menus, such as "noise". */
  family: string;
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
  /** Side of its input in px. */
  size: number;
}
export interface Family {
  key: string;
  title: string;
  size: number;
  channels: number;
  data: string[];
  /** The names of the models first shown, and the picture first shown to them. */
  defaults: string[];
  picture: Picture;
  classes: string[];
  models: Model[];
}
/** A published network of a library; `bytes` is null where only building it tells. */
export interface Network {
  name: string;
  size: number;
  licence: string;
  here: boolean;
  bytes: number | null;
  accuracy: number | null;
}
/** What the page knows of models, and of distortions at the sizes of their inputs. */
export interface ModelsKnown {
  families: Family[];
  distortions: Record<string, Distortion>;
}
export interface AddedNetwork extends ModelsKnown {
  name: string;
  family: string;
}
/** What can be put around a model; `written`: as it stands behind the model's name, with its defaults. */
export interface Remedy {
  name: string;
  title: string;
  help: string;
  source: string;
  written: string;
  passes: number;
}
/** A score of doubt of the answers to both pictures. */
export interface Score {
  name: string;
  title: string;
  help: string;
  passes: number;
  clean: number;
  distorted: number;
}
/** A model to stabilize, and how; `under`: distortions with the two ends of their ranges. */
/** A distortion that changes many answers, from `low`, which changes nothing, to `high`, at which `flips` of them flip. */
export interface Hurt {
  name: string;
  low: number;
  high: number;
  flips: number;
  n: number;
}

export interface StabilizeQuestion {
  model: string;
  data: string | null;
  /** Tokens of pictures that were brought, in place of a data set. */
  pictures: string[] | null;
  under: [name: string, from: number, to: number][];
  layers: string;
  keep: number;
  minutes: number;
  limit: number;
  control: boolean;
}
/** A network during its training, on pictures that are held out; shares. */
export interface WatchedPoint {
  step: number;
  agreement: number;
  flips: number;
}
export interface StabilizeNews {
  stage: string;
  done: number;
  total: number;
  seconds: number;
  curve: WatchedPoint[];
}
export interface StabilizeGain {
  recipe: string;
  difference: number;
  interval: [low: number, high: number];
}
export interface StabilizeFound extends AddedNetwork {
  folder: string;
  html: string;
  report: {
    agreement: number;
    n: number;
    accuracy: [before: number, after: number] | null;
    gain: StabilizeGain | null;
    loss: StabilizeGain | null;
    curve: WatchedPoint[];
    warnings: string[];
  };
  examples: { kind: string; picture: string; before: string; after: string; query: string }[];
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
  /** Measures of likeness without learning; `here`: whether the package that computes them is installed. */
  measures: { name: string; title: string; here: boolean }[];
  /** Video codecs with their constant rate factors: lower is better. */
  codecs: { name: string; title: string; low: number; high: number; default: number }[];
  /** Scores of doubt; `span`: the ends of a slider. */
  doubts: { name: string; title: string; help: string; span: [number, number] }[];
  limits: { steps: number; bytes: number };
  first: { family: string; models: string[]; named: boolean; steps: RecipeStep[]; picture: Picture };
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
  /** What it was given, where that is not the pictures on screen as they are. */
  given: string;
  /** Which part of the pictures it took: left, top, right, bottom as shares; null: all. */
  window: [number, number, number, number] | null;
  clean: Probability[];
  distorted: Probability[];
  /** Classes that were asked for. */
  watched: { label: string; clean: number; distorted: number }[];
  flipped: boolean;
  confidence: number;
  margin: number;
  kl: number;
  feature_distance: Record<string, Distance>;
  feature_percentile: number | null;
  /** Whether it withstands attacks or only hides its gradient, as its card says. */
  masking: Masking;
  /** What a threshold of doubt says of the answers; missing where none was asked for. */
  doubt?: DoubtLimit & { clean: number; distorted: number; unsure: boolean };
}
export interface Masking {
  /** "no sign", "masked" or "not measured" */
  verdict: string;
  help: string;
}
export interface Images {
  clean: string;
  distorted: string;
}
export interface Answer {
  images: Images;
  pinned: string | null;
  /** Width and height of the pictures in px. */
  size: [number, number];
  /** With on=photograph: where each model's part lies, as shares of the free room. */
  window: [number, number] | null;
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
/** Told where the part of the photograph that models are given is moved to. */
export type Move = (window: [number, number], options: { live: boolean }) => void;
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
  /** Whether there are more amounts than these. */
  coarse?: boolean;
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
  distortion(name: string): Distortion;
  range(step: { name: string }): Range;
  title(name: string): string;
  method(name: string): string | undefined;
  setAmount(index: number, amount: number, options?: { live?: boolean }): void;
  setSteps(steps: Step[], options?: { words?: string; against?: string | null }): void;
  setAgainst(name: string): void;
  /** Show this picture while a hand moves along a clip or a camera runs; `done`: it has come to rest. */
  scrub(picture: Picture, done: boolean): void;
  openClip(file: File): void;
  choosePicture(picture: Picture, options?: { thumb?: string; name?: string }): void;
  suits(picture: Picture): boolean;
  activeStep(): number | null;
  sweptIndex(): number | null;
  markFlips(index: number, flips: Flip[]): void;
  markRadii(index: number, marks: RadiusMark[]): void;
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
  open?(file: File): void;
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
/** What the parts of the rail share. */
export interface Wired {
  page: Page;
  jobs: Jobs;
  server: Server;
  notice: Notice;
  catalogue: Catalogue;
  state: State;
  families: Record<string, Family>;
  family: () => Family;
  card: (name: string) => Model | undefined;
  title: (name: string) => string;
  moved: (done: boolean) => void;
  changed: () => void;
  undo: () => void;
  trigger: (event: string) => void;
}
export interface Steps {
  paint(): void;
  properties(): object[];
  add(name: string): void;
  setAmount(index: number, amount: number): void;
  markFlips(index: number, flips: Flip[]): void;
  markRadii(index: number, marks: RadiusMark[]): void;
  active(): number | null;
  range(step: { name: string }): Range;
  shown(step: Step, amount?: number): number;
  fit(): void;
}
/** The data set and the class (null: all) that are shown, and the row on the panel. */
export interface ChosenRow {
  name: string | null;
  label: string | null;
  shown: Row | null;
}
export interface Download {
  name: string;
  done: number;
  total: number;
  paint: (() => void) | null;
}
export interface Downloads {
  start(dataset: DataSet): Promise<void>;
  stop(): Promise<void>;
  refresh(): Promise<void>;
  of(name: string | null): Download | null;
  busy(): boolean;
}
export interface Finder {
  button: HTMLButtonElement;
  status: HTMLElement;
  paint(): void;
  cancel(): void;
}
export type MakeFinder = (options: { found: (name: string, item: Item) => void }) => Finder;
/** One of Gradio's sliders with the buttons around it. */
/** How far the pictures of a slider lie from the one on screen, at the amount `at`. */
export interface Along {
  amounts: number[];
  distances: number[];
  at: number;
}
/** A distance around the picture, where a slider reaches it. */
export interface RadiusMark {
  kind: string;
  label: string;
  amount: number;
}
export interface StepRow {
  block: HTMLElement;
  slider: HTMLInputElement;
  unit: HTMLElement;
  severities: HTMLElement;
  flips: HTMLElement;
  radii: HTMLElement;
  onoff: HTMLButtonElement;
  up: HTMLButtonElement;
  down: HTMLButtonElement;
  remove: HTMLButtonElement;
}

// ---- maps of numbers ----------------------------------------------------------------------------------------------

/** A point of a map, in parts of the picture's side. */
export interface Spot {
  x: number;
  y: number;
}
export interface Values {
  width: number;
  height: number;
  data: string;
}
export interface NumberMap extends Values {
  low: number;
  high: number;
  signed?: boolean;
  solid?: boolean;
}
export interface MapFrame {
  frame: HTMLElement;
  canvas: HTMLCanvasElement;
  read: HTMLElement;
  label: string;
  map: NumberMap;
  values: Uint8Array;
}
export interface LinkedMaps {
  frame(map: { map: NumberMap; label: string; under?: string | null }): HTMLElement;
  clear(): void;
  zoom(factor: number): void;
  whole(): void;
}

// ---- the tabs under the panel -------------------------------------------------------------------------------------

export interface AttackCell {
  answer: string;
  confidence: number;
  margin: number;
  flipped: boolean;
}
export interface Sign {
  raised: boolean;
  sentence: string;
}
export interface AttackAnswer {
  title: string;
  shown: string;
  models: string[];
  followed: string[];
  clean: AttackCell[];
  cells: AttackCell[][];
  steps: RecipeStep[];
  sanity: Record<"zero_gradient" | "saturated" | "falls" | "undone", Sign>[];
}

export type Goal = "break" | "separate";
/** What the search found for one distortion; amount null: nothing. */
export interface Weakness {
  distortion: string;
  title: string;
  amount: number | null;
  shown: string | null;
  share: number;
  severity: number | null;
  published: string | null;
  steps: RecipeStep[];
  against: string | null;
  input: { l2: number; psnr: number | null; ssim: number } | null;
  flip_points: Record<string, number | null>;
  flips: Record<string, string | null>;
  moved: Record<string, boolean>;
  predictions: Record<string, string>;
}
export interface WeaknessRow extends Weakness {
  values: Record<string, number | string | null>;
  element: HTMLTableRowElement;
  button: HTMLButtonElement;
}
/** The question that the rows answer. */
export interface WeaknessQuestion {
  key: string;
  goal: Goal;
  models: string[];
  chain: RecipeStep[];
}

export interface Channel {
  index: number;
  distance: number;
  clean: Values;
  distorted: Values;
  difference: Values;
}
export interface ChannelsModel {
  name: string;
  error?: string;
  low: number;
  high: number;
  swing: number;
  total: number;
  channels: Channel[];
}
export type EvidenceMap = Values & { class: string };
export interface EvidenceModel {
  name: string;
  error?: string;
  layer: string;
  grid: number[];
  limit: number;
  clean: EvidenceMap;
  distorted: EvidenceMap;
  other: EvidenceMap | null;
}
/** A bar and its number. */
export interface Bar {
  bar: HTMLElement;
  text: HTMLElement;
  cell: HTMLElement;
}
/** The step that the curves are about: its index in the chain, and among those that are on. */
export type SweptStep = Step & { index: number; active: number };

// ---- the page Failures --------------------------------------------------------------------------------------------

export type Side = "baseline" | "other";
export type Quadrant = "only_baseline_fails" | "only_other_fails" | "both_fail" | "neither_fails";
export interface Filters {
  quadrants: string[];
  label: string | null;
  distortion: string | null;
  amount: number | null;
  model: string;
  low: number | null;
  high: number | null;
  was: string | null;
  now: string | null;
  flipped: boolean | null;
  annotation: string | null;
  cases: number[] | null;
}
export interface Order {
  by: string;
  falling: boolean;
}
export interface Find {
  filters: Filters;
  order: Order;
}
/** What is chosen on the page. */
export interface Chosen extends Find {
  survey: string | null;
  pair: string[] | null;
  pane: string;
}
export interface SurveyInfo {
  key: string;
  title: string;
  origin: "named" | "made" | "shipped";
  images: number;
  conditions: number;
  done: number;
}
export interface SurveyDistortion extends Unit {
  name: string;
  title: string;
  unit: string;
  amounts: number[];
  identity: number;
}
/** An open survey as the server describes it. */
export interface Survey {
  key: string;
  pair: string[];
  models: string[];
  methods: Record<string, string>;
  classes: string[];
  labelled: boolean;
  distortions: SurveyDistortion[];
  seeds: number[];
  data: string;
  folder: string;
  images: number;
  done: number;
  unread: number;
  conditions: number;
  cases: number;
  missing: string | null;
  annotations: Record<number, Annotation>;
  annotations_file: string;
}
export interface Annotation {
  star: boolean;
  tags: string[];
  note: string;
}
export interface CaseAnswer {
  answer: string;
  confidence: number;
  fails: boolean;
}
/** One picture of a survey under one distortion. */
export interface Case extends Record<Side, CaseAnswer> {
  case: number;
  image: number;
  seed: number;
  label: string | null;
  distortion: string;
  amount: number;
}
export interface CasesAnswer {
  error?: string;
  counts: Record<Quadrant, number>;
  shown: number;
  total: number;
  items: Case[];
}
/** What the panes of the page may know and change; asked only while a survey is open. */
export interface World {
  // biome-ignore lint/suspicious/noExplicitAny: each question has an answer of its own
  ask(what: string, question?: object): Promise<any>;
  survey(): Survey;
  chosen: Chosen;
  annotations(): Record<number, Annotation>;
  side(which: Side): string;
  nameOf(model: string): string;
  methodOf(model: string): string;
  distortion(name: string): SurveyDistortion;
  amountText(name: string, amount: number): string;
  filter(change: Partial<Filters>): void;
  sort(change: Partial<Order>): void;
  show(pane: string): void;
  open(item: Case): void;
  annotate(id: number, change: Partial<Annotation>): void;
  counted(answer: CasesAnswer): void;
  refused(sentence: string): boolean;
}
export interface PaneParts {
  element: HTMLElement;
  notice: Notice;
  jobs: Jobs;
  world: World;
}
export interface Pane {
  update(): void;
  shown?(): void;
}
export interface GalleryPane extends Pane {
  annotated(id: number): void;
}
/** What a new survey is made with. */
export interface SurveyParts {
  notice: Notice;
  jobs: Jobs;
  catalogue: Catalogue;
  state: () => State;
  ran: (key: string | null) => void;
}
/** Accuracy of both models under one distortion, with intervals and an exact paired test. */
export interface AccuracyRow {
  distortion: string;
  amount: number;
  n: number;
  baseline: number;
  baseline_low: number;
  baseline_high: number;
  other: number;
  other_low: number;
  other_high: number;
  difference: number;
  difference_low: number;
  difference_high: number;
  only_baseline_fails: number;
  only_other_fails: number;
  /** Null for an attack that was crafted on one of the two models only. */
  p: number | null;
  /** Adjusted for the number of rows with a test. */
  p_holm: number | null;
  /** What interval and test agree on: the other model is "better", "worse", or "" for neither. */
  verdict: "better" | "worse" | "";
}
export interface GalleryCell {
  item: Case;
  node: HTMLElement;
  button: HTMLButtonElement;
  star: HTMLButtonElement;
  note: HTMLButtonElement;
  showPicture(url: string | null | undefined): void;
  showAnnotation(): void;
}
/** Cases as one model's features place them on a plane. */
export interface FeatureMap {
  model: string;
  cases: number[];
  x: number[];
  y: number[];
  quadrants: number[];
  names: Quadrant[];
  total: number;
  explained: number | null;
}

// ---- the page Methods ---------------------------------------------------------------------------------------------

export type OwnSource = "live" | "survey" | "card";
export type TheirSource = "stated" | "measured";
export type Source = OwnSource | TheirSource;
export interface Paper {
  title: string;
  short: string;
  authors: string;
  year: number;
  arxiv: string;
}
/** What others published: one accuracy. */
export interface PublishedValue {
  provenance: TheirSource;
  method: string;
  title: string;
  arch: string;
  same_as: string | null;
  amount: number;
  accuracy: number;
  clean: boolean;
  about: boolean;
  n: number | null;
  setting: string;
  certain: string;
  source: Paper;
}
/** An accuracy of ours with its interval. */
export interface PointValue {
  source: "survey" | "card";
  model: string;
  amount: number;
  accuracy: number;
  low: number;
  high: number;
  n: number;
  seed: number | null;
}
export interface LiveModel extends Band {
  name: string;
  accuracy: number[];
}
/** What was measured here so far. */
export interface LiveValues {
  n: number;
  seed: number;
  amounts: number[];
  models: LiveModel[];
}
export interface RemedyShare {
  accuracy: number;
  low: number;
  high: number;
  n: number;
  difference?: { value: number; low: number; high: number } | null;
}
export interface RemedyTable {
  model: string;
  data: string;
  noise: string;
  size: number;
  n: number;
  rows: {
    title: string;
    written: string;
    passes: number;
    clean: RemedyShare;
    noise: RemedyShare;
    attacked: RemedyShare & { signs: string[] };
  }[];
}
export interface MeasuredRemedies {
  tables: RemedyTable[];
  command: string;
  versions: Record<string, string>;
}
export interface MethodModel extends Line {
  subtitle: string;
  arch: string;
  baseline: string | null;
  options: Record<string, string | number>;
  /** Forward passes of one answer. */
  passes: number;
  masking: Masking;
  rows: ConditionRow[];
}
export type LabelledModel = MethodModel & { label: string };
export interface ConditionRow {
  title: string;
  accuracy: number;
  n: number;
  difference: number | null;
  low: number;
  high: number;
  /** Whether both cards say which images were named rightly, so that they are compared image by image. */
  paired: boolean;
  /** 1 or -1 where interval and test say that it is a difference, else 0. */
  sign: number;
  /** Whether that survives Holm's correction for all rows. */
  holm: boolean;
}
export interface MethodInfo {
  method: string;
  title: string;
  source: Paper | null;
  summary: string;
  formulas: [math: string, words: string][];
  symbols: string;
  cost: string;
  published: number;
  caution: string;
  shown_by: string | null;
  models: MethodModel[];
}
/** A data set with the models that were trained on it. */
export interface MethodGroup {
  data: string;
  title: string;
  here: boolean;
  bytes: number;
  host: string;
  rows: number;
  sizes: number[];
  models: MethodModel[];
  methods: MethodInfo[];
}
export interface EverydayShare {
  accuracy: number;
  low: number;
  high: number;
}
export interface EverydayCell {
  top1: EverydayShare;
  top5: EverydayShare;
  /** Paired with the first model; null for itself. */
  difference: { value: number; low: number; high: number } | null;
  instability: number;
}
/** The table of Zheng et al. as it was measured. */
export interface EverydayTable {
  models: { name: string; method: string; title: string }[];
  rows: { condition: string; recipe: string; cells: EverydayCell[] }[];
  /** What the photographs are. */
  title: string;
  n: number;
  seed: number;
  command: string;
  versions: Record<string, string>;
}
/** What is known of one distortion on one data set. */
export interface Known extends Unit {
  title: string;
  unit: string;
  help: string;
  adversarial: boolean;
  messages: string[];
  reaches: Record<string, { amounts: number[] }>;
  points: PointValue[];
  published: PublishedValue[];
}
/** What the chart shows; `hidden` are the sources left out. */
export interface MethodsData {
  distortion: Known;
  amounts: number[];
  models: LabelledModel[];
  archs: string[];
  live: LiveValues | null;
  points: PointValue[];
  published: PublishedValue[];
  hidden: Set<string>;
}
export type MeasureState = "asking" | "measuring" | "paused" | "stopped" | "failed" | "absent" | "done";
/** Every number at an amount: ours in rows, others' in lines. */
export interface ValuesAt {
  rows: { model: LabelledModel; cells: Record<string, string> }[];
  others: { method: string; mark: TheirSource; text: string; source: string }[];
}
/** Where the line of a model ends, in px. */
export interface LineEnd extends Point2 {
  method: string;
  label: string;
}
interface Point2 {
  x: number;
  y: number;
}
export type Compared = ConditionRow & { difference: number };
export interface DrawnMethods {
  hit: SVGRectElement;
  hover: SVGPathElement;
  marks: SVGPathElement[];
  x: (amount: number) => number;
  y: (share: number) => number;
  at: number[];
  points: PointValue[];
  published: PublishedValue[];
  live: LiveValues | null;
}
export interface MethodsChosen {
  data: string | null;
  distortion: string;
  reach: string | null;
  images: number;
}
/** What anywidget hands a view. */
export interface WidgetModel {
  // biome-ignore lint/suspicious/noExplicitAny: traits have types of their own
  get(name: string): any;
  // biome-ignore lint/suspicious/noExplicitAny: a message is what the kernel sends
  on(event: string, heard: (message: any) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  off(event: string, heard: (message: any) => void): void;
  send(message: object, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

// ---- clips and the camera -------------------------------------------------------------------------------------------

export interface FramesModel {
  name: string;
  method: string;
  flips: number;
  flip_rate: number;
  interval: [number, number];
  answers: string[];
  confidence: number[];
  feature_distance: { l2: number; cosine: number }[];
}
export interface FramesResult {
  clip: string;
  /** The beginning of the tokens of its frames. */
  film: string;
  frames: number;
  seconds: number;
  models: FramesModel[];
  pairs: { frame: number; model: string; before: string; after: string; gap: string }[];
  notes: string[];
}
export interface RibbonNews {
  name: string;
  method: string;
  text: string;
  answers: string[];
  confidence: number[];
  /** Between neighbours, one fewer than answers. */
  distance: number[];
  farthest: number;
  colours: Map<string, string>;
  /** Frames that have room, where they are still coming. */
  room?: number;
}
export interface Ribbon {
  element: HTMLElement;
  paint(news: RibbonNews): void;
  mark(index: number, confidence?: number[]): void;
}
export interface LiveFrame {
  picture: Picture;
  time: number;
  models: { name: string; title: string; method: string; label: string; confidence: number; distance: number }[];
}
export interface Ribbons {
  element: HTMLElement;
  /** The ribbons, as many as are asked for. */
  rows(count?: number): Ribbon[];
  /** Paints what the camera was answered; what there is to say of it. */
  live(camera: Camera, title: (model: LiveFrame["models"][number]) => string): string;
}
export interface CameraHost {
  /** Hands a frame over; `place` is its number. */
  send(frame: Blob, place: number): Promise<{ picture?: Picture; error?: string }>;
  /** Makes a frame the host's picture. */
  show(picture: Picture, done: boolean): void;
  failed(sentence: string): void;
  /** Called after each answer, and when the camera stops. */
  heard(): void;
}
export interface Camera {
  start(): Promise<void>;
  stop(): void;
  hold(on: boolean): void;
  /** Told by the host when it has painted an answer. */
  answered(answer: Answer, picture: Picture | undefined): void;
  destroy(): void;
  held(): boolean;
  running(): boolean;
  frames(): LiveFrame[];
}
