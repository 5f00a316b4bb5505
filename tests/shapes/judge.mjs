// Reads [[package, type, body], …] and prints, for each, where the body does not fit the type: a key that is missing,
// a key that the type does not have, a value of another kind.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const asked = JSON.parse(readFileSync(0, "utf8"));
const file = join(process.cwd(), "asked.ts");
const text = asked
  .map(([name, type], i) => `export type T${i} = import(${JSON.stringify(name)}).${type};`)
  .join("\n");
const options = {
  strict: true, noEmit: true, skipLibCheck: true, types: [],
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
};
const host = ts.createCompilerHost(options);
const [exists, source] = [host.fileExists, host.getSourceFile];
host.fileExists = (name) => name === file || exists(name);
host.getSourceFile = (name, ...more) =>
  name === file ? ts.createSourceFile(name, text, options.target) : source(name, ...more);
const program = ts.createProgram([file], options, host);
const root = program.getSourceFile(file);
const errors = program.getSemanticDiagnostics(root);
if (errors.length) throw new Error(errors.map((e) => ts.flattenDiagnosticMessageText(e.messageText, " ")).join("\n"));
const checker = program.getTypeChecker();
const F = ts.TypeFlags;

const isArray = (type) => checker.isArrayType(type) || checker.isTupleType(type);
const at = (path, key) => (path ? `${path}.${key}` : key);

// Enums of numbers are mostly sets of flags: any of them together fits, and none.
const isFlags = (types, value) => {
  const flags = types.filter((one) => one.flags & F.EnumLiteral && one.flags & F.NumberLiteral);
  return flags.length && typeof value === "number" && (value & ~flags.reduce((all, one) => all | one.value, 0)) === 0;
};

function literal(type, value, path) {
  if (isFlags([type], value)) return [];
  return type.value === value ? [] : [`${path}: ${JSON.stringify(value)} is not ${JSON.stringify(type.value)}`];
}

// Of the members of a union the one is meant whose values fit, then the one that lacks least, then that knows most.
const WEIGHTS = [[/: unknown$/, 1], [/: missing$/, 100], [/ wanted, not /, 10_000], [/./, 1_000_000]];
const weight = (found) =>
  found.reduce((sum, line) => sum + WEIGHTS.find(([pattern]) => pattern.test(line))[1], 0);

function union(type, value, path) {
  if (isFlags(type.types, value)) return [];
  const empty = value === undefined || value === null;
  const meant = type.types.filter((one) => empty || !(one.flags & (F.Undefined | F.Null)));
  if (!meant.length) return [`${path}: nothing wanted, not ${JSON.stringify(value)}`];
  const tried = meant.map((one) => problems(one, value, path));
  return tried.reduce((best, one) => (weight(one) < weight(best) ? one : best));
}

function record(type, value, path) {
  const found = [];
  const known = new Map(checker.getPropertiesOfType(type).map((one) => [one.name, one]));
  for (const [key, one] of known) {
    const wanted = checker.getTypeOfSymbol(one);
    const optional = one.flags & ts.SymbolFlags.Optional || problems(wanted, undefined, "").length === 0;
    if (key in value) found.push(...problems(wanted, value[key], at(path, key)));
    else if (!optional) found.push(`${at(path, key)}: missing`);
  }
  const others = checker.getIndexTypeOfType(type, ts.IndexKind.String);
  for (const key of Object.keys(value).filter((one) => !known.has(one))) {
    if (others) found.push(...problems(others, value[key], at(path, "*")));
    else if (known.size) found.push(`${at(path, key)}: unknown`);
  }
  return found;
}

function problems(type, value, path) {
  if (type.flags & (F.Any | F.Unknown)) return [];
  if (type.isUnion()) return union(type, value, path);
  if (type.flags & (F.Undefined | F.Void)) return value === undefined ? [] : [`${path}: nothing wanted, not ${JSON.stringify(value)}`];
  if (value === undefined) return [`${path}: missing`];
  if (type.flags & F.Null) return value === null ? [] : [`${path}: not null`];
  if (type.flags & (F.StringLiteral | F.NumberLiteral)) return literal(type, value, path);
  if (type.flags & F.BooleanLiteral) {
    return type.intrinsicName === String(value) && typeof value === "boolean" ? [] : [`${path}: not ${type.intrinsicName}`];
  }
  for (const [flag, kind] of [[F.StringLike, "string"], [F.NumberLike, "number"], [F.BooleanLike, "boolean"]]) {
    if (type.flags & flag) return typeof value === kind ? [] : [`${path}: ${kind} wanted, not ${JSON.stringify(value)}`];
  }
  if (value === null || typeof value !== "object" || Array.isArray(value) !== isArray(type)) {
    return [`${path}: ${checker.typeToString(type)} wanted, not ${JSON.stringify(value)?.slice(0, 60)}`];
  }
  if (!isArray(type)) return record(type, value, path);
  const item = checker.getTypeArguments(type)[0];
  return value.flatMap((one) => problems(item, one, at(path, "[]")));
}

const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(root));
const types = new Map(exported.map((one) => [one.name, checker.getDeclaredTypeOfSymbol(one)]));
console.log(JSON.stringify(asked.map(([, , body], i) => [...new Set(problems(types.get(`T${i}`), body, ""))])));
