// Scan: a Loop whose iteration i reads the i-th slice of each scanned input.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "import/region_parts.h"
#include "import/supported.h"
#include "ops/lowering/context.h"

namespace dovetail::import {

using ir::Dim;
using ir::Value;

// What a Scan works on, whatever its version calls it.
struct ScanParts {
  const onnx::GraphProto& proto;
  std::vector<Value*> states, scanned;
  std::vector<int64_t> axes, directions;  // of `scanned`
};

namespace {

// An attribute of integers, `count` of them, 0 where it is absent.
std::vector<int64_t> integers(const Node& node, const std::string& name, size_t count) {
  for (const onnx::AttributeProto& a : node.proto->attribute()) {
    if (a.name() != name) continue;
    if (static_cast<size_t>(a.ints_size()) != count) {
      throw_error(ErrorKind::kValue, "attribute '{}' holds {} integers, expected {}", name,
                  a.ints_size(), count);
    }
    return {a.ints().begin(), a.ints().end()};
  }
  return std::vector<int64_t>(count, 0);
}

std::vector<int64_t> directions_of(const Node& node, const std::string& name, size_t count) {
  std::vector<int64_t> directions = integers(node, name, count);
  for (const int64_t direction : directions) {
    if (direction == 0 || direction == 1) continue;
    throw_error(ErrorKind::kValue, "attribute '{}' holds {}, expected 0 (forward) or 1 (reverse)",
                name, direction);
  }
  return directions;
}

int axis_of(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    throw_error(ErrorKind::kValue, "axis {} is out of range for rank {}", axis, rank);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

// Slice `at` of x along the axis, which goes.
Value* part_of(Value* x, int axis, const Dim& at, ir::Graph& graph) {
  ops::Builder build(graph);
  ir::Shape shape = x->shape();
  shape.erase(shape.begin() + axis);
  return build.reshape(build.slice(x, axis, at, 1), shape);
}

// The stacked parts (T, E...) with T where the axis is, in the order of their direction.
Value* placed(Value* stacked, int64_t axis, bool backward, ir::Graph& graph) {
  ops::Builder build(graph);
  const int rank = stacked->rank();
  if (backward) {
    const Dim count = stacked->shape()[0];
    stacked = build.slice(stacked, 0, count - Dim(1), count, -1);
  }
  std::vector<int> perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  const int to = axis_of(axis, rank);
  std::rotate(perm.begin(), perm.begin() + 1, perm.begin() + to + 1);
  return build.permute(stacked, perm);
}

// The node's body and the number of inputs that it scans; `count`: those that are no lengths.
size_t scanned_inputs(const Node& node, const onnx::GraphProto& proto, size_t count) {
  int64_t scanned = 0;
  for (const onnx::AttributeProto& a : node.proto->attribute()) {
    if (a.name() == "num_scan_inputs") scanned = a.i();
  }
  const auto inputs = static_cast<int64_t>(count);
  if (scanned < 1 || scanned > inputs || proto.input_size() != inputs ||
      proto.output_size() < inputs - scanned) {
    throw_error(ErrorKind::kValue,
                "num_scan_inputs is {} for {} inputs; the body takes {} and gives {}", scanned,
                inputs, proto.input_size(), proto.output_size());
  }
  return static_cast<size_t>(scanned);
}

}  // namespace

// Gives the last states, then the scans stacked along a first axis.
ops::Values GraphImporter::import_sequence(const Node& node, Scope& scope, const ScanParts& scan) {
  ops::Builder build(scope.graph());
  const onnx::GraphProto& proto = scan.proto;
  const size_t states = scan.states.size();
  std::vector<int> axes;
  LoopParts parts;
  for (size_t k = 0; k < scan.scanned.size(); ++k) {
    axes.push_back(axis_of(scan.axes[k], scan.scanned[k]->rank()));
    const Dim extent = scan.scanned[k]->shape()[axes[k]];
    if (!parts.trips) parts.trips = extent;
    build.require_equal(extent, *parts.trips, "the scanned inputs' numbers of slices");
  }
  parts.initial = scan.states;
  for (size_t s = 0; s < states; ++s) {
    parts.state_names.push_back(scope.path() + proto.input(static_cast<int>(s)).name());
  }
  const Dim trips = *parts.trips;
  parts.iterate = [&](Scope& inner, Value* iteration, const std::vector<Value*>& values) {
    for (size_t s = 0; s < states; ++s) {
      inner.set(proto.input(static_cast<int>(s)).name(), values[s]);
    }
    const Dim i = iteration->elements->front();
    for (size_t k = 0; k < axes.size(); ++k) {
      const Dim at = scan.directions[k] ? trips - Dim(1) - i : i;
      inner.set(proto.input(static_cast<int>(states + k)).name(),
                part_of(inner.capture(scan.scanned[k]), axes[k], at, inner.graph()));
    }
    import_graph(proto, inner, node.opsets);
    return outputs_of(proto, inner);
  };
  return import_repeated(node, scope, parts);
}

// inputs: states..., scanned...; body: states..., slices... -> states..., scans...
ops::Values GraphImporter::import_scan(const Node& node, Scope& scope) {
  const onnx::GraphProto& proto = body_of(node, "body");
  const bool batched = opset_of(node) < 9;
  std::vector<Value*> inputs = inputs_of(node, scope, batched ? 1 : 0);
  if (batched) return import_batched_scan(node, scope, proto, std::move(inputs));
  const size_t scanned = scanned_inputs(node, proto, inputs.size());
  const auto first = inputs.end() - static_cast<ptrdiff_t>(scanned);
  const ScanParts scan{proto,
                       {inputs.begin(), first},
                       {first, inputs.end()},
                       integers(node, "scan_input_axes", scanned),
                       directions_of(node, "scan_input_directions", scanned)};
  ops::Values results = import_sequence(node, scope, scan);
  const size_t scans = results.size() - scan.states.size();
  const auto axes = integers(node, "scan_output_axes", scans);
  const auto directions = directions_of(node, "scan_output_directions", scans);
  for (size_t k = 0; k < scans; ++k) {
    Value*& result = results[scan.states.size() + k];
    result = placed(result, axes[k], directions[k] != 0, scope.graph());
  }
  return results;
}

// Opset 8: a first input of lengths, and every tensor has a batch axis in front. An iteration of an
// outer loop is the sequence of one batch.
ops::Values GraphImporter::import_batched_scan(const Node& node, Scope& scope,
                                               const onnx::GraphProto& proto,
                                               std::vector<Value*> inputs) {
  if (inputs.empty() || inputs[0]) {
    throw_error(ErrorKind::kUnsupported,
                "sequences of different lengths (input 0 of Scan of opset 8) are not supported");
  }
  inputs.erase(inputs.begin());
  const size_t scanned = scanned_inputs(node, proto, inputs.size());
  ops::Builder build(scope.graph());
  LoopParts parts;
  for (const Value* input : inputs) {
    const Dim batch = input->shape()[axis_of(0, input->rank())];
    if (!parts.trips) parts.trips = batch;
    build.require_equal(batch, *parts.trips, "the inputs' batches");
  }
  parts.iterate = [&](Scope& inner, Value* iteration, const std::vector<Value*>&) {
    ScanParts scan{proto,
                   {},
                   {},
                   std::vector<int64_t>(scanned, 0),
                   directions_of(node, "directions", scanned)};
    for (size_t k = 0; k < inputs.size(); ++k) {
      auto& list = k + scanned < inputs.size() ? scan.states : scan.scanned;
      list.push_back(
          part_of(inner.capture(inputs[k]), 0, iteration->elements->front(), inner.graph()));
    }
    return import_sequence(node, inner, scan);
  };
  return import_repeated(node, scope, parts);
}

}  // namespace dovetail::import
