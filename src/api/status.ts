// Prometheus's routes for what the program runs with and what it stores: configuration, flags, log, blocks, its own metrics.

import type { ServerResponse } from '../base/index.ts';
import { compileRegex, type FamilySample, labelPairs, type MetricFamily } from '../model/index.ts';
import type { FloatJson, MetricFamilyJson, MetricJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';

export function config(deps: ApiDeps): ServerResponse {
  return success({ yaml: deps.configYaml() });
}

export function flags(deps: ApiDeps): ServerResponse {
  return success(deps.flags());
}

export function walReplay(deps: ApiDeps): ServerResponse {
  return success(deps.walReplay());
}

export function blocks(deps: ApiDeps): ServerResponse {
  return success({ blocks: deps.blocks() });
}

/** Those whose whole name the pattern matches. */
export function selfMetrics(deps: ApiDeps, { params }: Asked): ServerResponse {
  const pattern = params.get('metric_name_pattern') ?? '';
  const regex = pattern === '' ? undefined : compileRegex(pattern);
  if (regex?.ok === false)
    return failure('bad_data', `invalid parameter "metric_name_pattern": ${regex.error}`);
  const wanted = deps.ownFamilies().filter(({ name }) => regex === undefined || regex.value.test(name));
  return success(wanted.filter(({ samples }) => samples.length > 0).map(familyJson));
}

function familyJson({ name, help, type, samples }: MetricFamily): MetricFamilyJson {
  switch (type) {
    case 'counter':
      return {
        name,
        help,
        type: 'COUNTER',
        metric: samples.map(one => ({ ...labelsOf(one), counter: scalarOf(one) })),
      };
    case 'gauge':
      return {
        name,
        help,
        type: 'GAUGE',
        metric: samples.map(one => ({ ...labelsOf(one), gauge: scalarOf(one) })),
      };
    case 'histogram':
      return { name, help, type: 'HISTOGRAM', metric: histogramsOf(samples) };
    default:
      return {
        name,
        help,
        type: 'UNTYPED',
        metric: samples.map(one => ({ ...labelsOf(one), untyped: scalarOf(one) })),
      };
  }
}

function labelsOf({ labels }: FamilySample): Pick<MetricJson, 'label'> {
  const label = [...labelPairs(labels)]
    .filter(([name]) => name !== 'le')
    .map(([name, value]) => ({ name, value }));
  return label.length === 0 ? {} : { label };
}

function scalarOf({ value }: FamilySample): { readonly value: FloatJson } {
  return { value: floatJson(value) };
}

/** A metric for each label set beside `le`. */
function histogramsOf(samples: readonly FamilySample[]): readonly MetricJson[] {
  const byLabels = new Map<string, FamilySample[]>();
  for (const one of samples) {
    const key = JSON.stringify(labelsOf(one));
    const group = byLabels.get(key) ?? [];
    group.push(one);
    byLabels.set(key, group);
  }
  return [...byLabels.values()].map(group => {
    const valueWith = (suffix: string): number => group.find(one => one.suffix === suffix)?.value ?? 0;
    const bucket = group.flatMap(one => bucketOf(one));
    return {
      ...labelsOf(group[0] as FamilySample),
      histogram: {
        sampleCount: String(valueWith('_count')),
        sampleSum: floatJson(valueWith('_sum')),
        bucket,
      },
    };
  });
}

/** The last one, +Inf, is what the count says. */
function bucketOf({ suffix, labels, value }: FamilySample) {
  const bound = suffix === '_bucket' ? Number(new Map(labelPairs(labels)).get('le')) : Number.NaN;
  return Number.isFinite(bound) ? [{ cumulativeCount: String(value), upperBound: bound }] : [];
}

function floatJson(value: number): FloatJson {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}
