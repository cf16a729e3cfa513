#include "compiler/program.h"

#include <dovetail/abi.h>

#include <map>

#include "base/error.h"
#include "compiler/run_code.h"

namespace dovetail::compiler {

using ir::Dim;
using loop::Builder;
using loop::Value;

Value holds(const ir::Assertion& assertion, const Value& given, const Value& expected) {
  switch (assertion.kind) {
    case ir::Assertion::Kind::kAtLeast:
      return given >= expected;
    case ir::Assertion::Kind::kAtMost:
      return given <= expected;
    default:
      return given == expected;
  }
}

void emit_check(Builder& b, const ir::Plan& plan, int index, const Value& values, DimCode& dims) {
  const ir::Assertion& assertion = plan.assertions[index];
  const Value given = dims.emit(assertion.given);
  const Value expected = dims.emit(assertion.expected);
  b.if_(
      holds(assertion, given, expected), [] {},
      [&] {
        b.store(given, values, b.constant(int64_t{8} * DV_VALUE_GIVEN));
        b.store(expected, values, b.constant(int64_t{8} * DV_VALUE_EXPECTED));
        b.return_(index + 1);
      });
}

namespace {

// Writes the slots below `count` that layout knows, and symbols.
loop::Function emit_layout(const ProgramRequest& request, const Slots& slots, int count) {
  const ir::Plan& plan = *request.plan;
  Builder b(request.layout_name, loop::Convention::kPlain);
  const Value dims = b.pointer_parameter("dims");
  const Value workers = b.int_parameter("workers");
  const Value values = b.pointer_parameter("values");
  std::map<std::string, Value> symbols{{ir::kWorkersSymbol, workers}};
  for (size_t i = 0; i < request.dims.size(); ++i) {
    symbols[request.dims[i]] =
        b.load(loop::scalar(ir::DType::kI64), dims, b.constant(static_cast<int64_t>(8 * i)));
  }
  DimCode code(b, [&](const Dim& dim) {
    const auto name = dim.lone_symbol();
    return name ? symbols.at(*name) : Value();
  });
  for (size_t i = 0; i < plan.assertions.size(); ++i) {
    if (plan.assertions[i].by_layout) emit_check(b, plan, static_cast<int>(i), values, code);
  }
  const Dim memory = plan.workspace + plan.scratch * Dim::symbol(ir::kWorkersSymbol);
  b.store(code.emit(memory), values, b.constant(int64_t{8} * DV_VALUE_WORKSPACE));
  for (const Dim& dim : slots.dims()) {
    const bool needed = slots.at(dim) < count || dim.lone_symbol();
    if (!needed || !ir::known_early(plan, dim)) continue;
    b.store(code.emit(dim), values, b.constant(int64_t{8} * slots.at(dim)));
  }
  code.check_range();
  b.return_(0);
  return b.finish();
}

}  // namespace

Program make_program(const ProgramRequest& request) {
  Program program;
  Slots slots;
  for (const ir::Shape& shape : request.outputs) {
    for (const Dim& dim : shape) {
      if (!dim.is_constant()) program.output_slots[dim] = slots.of(dim);
    }
  }
  program.run = RunCode(request.run_name, request, slots, nullptr).emit();
  const int plain_slots = slots.count();
  if (!request.run_observed_name.empty()) {
    StepTableWriter steps(*request.plan, slots, request.num_inputs);
    program.run_observed = RunCode(request.run_observed_name, request, slots, &steps).emit();
    program.steps = steps.take();
  }
  program.layout = emit_layout(request, slots, plain_slots);
  program.num_values = slots.count();
  return program;
}

}  // namespace dovetail::compiler
