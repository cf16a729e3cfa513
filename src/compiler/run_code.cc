#include "compiler/run_code.h"

#include <dovetail/abi.h>
#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace dovetail::compiler {

using ir::Dim;
using loop::Value;

namespace {

const loop::Type kInt = loop::scalar(ir::DType::kI64);

}  // namespace

RunCode::RunCode(const std::string& name, const ProgramRequest& request, Slots& slots,
                 StepTableWriter* observed)
    : request_(request),
      plan_(*request.plan),
      slots_(slots),
      observed_(observed),
      b_(name, loop::Convention::kPlain),
      dims_(b_, [this](const Dim& dim) { return known(dim); }) {}

loop::Function RunCode::emit() {
  call_ = b_.pointer_parameter("call");
  values_ = b_.load_pointer(call_, DV_CALL_VALUES);
  io_ = b_.load_pointer(call_, DV_CALL_IO);
  workspace_ = b_.load_pointer(call_, DV_CALL_WORKSPACE);
  weights_ = b_.load_pointer(call_, DV_CALL_WEIGHTS);
  if (plan_.reserved_slots > 0) reserved_ = b_.load_pointer(call_, DV_CALL_RESERVED);
  emit(plan_.steps);
  b_.return_(0);
  return b_.finish();
}

// ---- Values ------------------------------------------------------------------------------------

Value RunCode::slot(const Dim& dim) {
  return b_.load(kInt, values_, b_.constant(int64_t{8} * slots_.of(dim)));
}

void RunCode::set_symbol(const std::string& name, const Value& value) {
  b_.store(value, values_, b_.constant(int64_t{8} * slots_.of(Dim::symbol(name))));
  dims_.forget();
}

// Constants, what layout has computed, and symbols.
Value RunCode::known(const Dim& dim) {
  if (dim.is_constant()) return b_.constant(dim.value());
  if (ir::known_early(plan_, dim) || dim.lone_symbol()) return slot(dim);
  return {};
}

Value RunCode::amount(const Dim& dim) {
  // Layout's values are loaded where they are used: they stay in no register across calls.
  if (dim.is_constant() || ir::known_early(plan_, dim)) return known(dim);
  return dims_.emit(dim);
}

Value RunCode::base(const ir::Buffer& buffer) {
  switch (buffer.kind) {
    case ir::Buffer::Kind::kInput:
      return b_.load_pointer(io_, buffer.index);
    case ir::Buffer::Kind::kOutput:
      return b_.load_pointer(io_, request_.num_inputs + buffer.index);
    case ir::Buffer::Kind::kWeights:
      return weights_;
    case ir::Buffer::Kind::kSymbol:
      return b_.address(values_, b_.constant(int64_t{8} * slots_.of(Dim::symbol(buffer.symbol))));
    case ir::Buffer::Kind::kReserved:
      return b_.load_pointer(reserved_, buffer.index);
    default:
      return workspace_;
  }
}

Value RunCode::pointer(const ir::StepArgument& argument) {
  const ir::Buffer& buffer = plan_.buffers[argument.buffer];
  const Value from = base(buffer);
  return b_.address(from, amount(buffer.offset + argument.value));
}

Value RunCode::truth(const ir::StepArgument& argument) {
  return b_.load(loop::scalar(ir::DType::kBool), pointer(argument), b_.constant(int64_t{0}));
}

// ---- Steps -------------------------------------------------------------------------------------

void RunCode::emit(const ir::Steps& steps) {
  for (const ir::Step& step : steps) {
    b_.comment(fmt::format("{}", fmt::join(step.origins, ", ")));
    std::visit([&](const auto& node) { emit(node); }, step.node);
  }
}

void RunCode::emit(const ir::KernelCall& call) {
  std::vector<Value> words;
  for (const ir::StepArgument& argument : call.arguments) {
    switch (argument.kind) {
      case ir::StepArgument::Kind::kPointer:
        words.push_back(pointer(argument));
        break;
      case ir::StepArgument::Kind::kInt:
        words.push_back(amount(argument.value));
        break;
      case ir::StepArgument::Kind::kScratch:
        words.push_back(call.scratch_buffer >= 0 ? base(plan_.buffers[call.scratch_buffer])
                                                 : b_.address(workspace_, amount(plan_.workspace)));
        break;
    }
  }
  const Value chunks = amount(call.chunks);
  dims_.check_range();
  b_.parallel_call((*request_.kernels)[call.function].name, call_, words, chunks);
  if (observed_) observe(call);
}

// What only an observer asks for is computed here, so that layout has no more to do.
void RunCode::observe(const ir::KernelCall& call) {
  const int step = observed_->add(call, iteration_);
  DimCode code(b_, [this](const Dim& dim) -> Value {
    if (dim.is_constant()) return b_.constant(dim.value());
    return dim.lone_symbol() ? slot(dim) : Value();
  });
  for (const Dim& dim : observed_->own_values()) {
    b_.store(code.emit(dim), values_, b_.constant(int64_t{8} * slots_.of(dim)));
  }
  b_.checked_call("dovetail_observe", {call_, b_.constant(static_cast<int64_t>(step))});
}

void RunCode::emit(const ir::MeasureStep& measure) {
  const Value from = pointer(measure.from);
  const Value stride = amount(measure.stride);
  dims_.check_range();
  for (size_t i = 0; i < measure.symbols.size(); ++i) {
    const Value value =
        b_.load(loop::scalar(measure.dtype), from, stride * static_cast<int64_t>(i));
    set_symbol(measure.symbols[i], b_.cast(value, ir::DType::kI64));
  }
}

void RunCode::emit(const ir::BindStep& bind) {
  std::vector<Value> values;
  for (const auto& [name, value] : bind.values) values.push_back(amount(value));
  dims_.check_range();
  for (size_t i = 0; i < values.size(); ++i) set_symbol(bind.values[i].first, values[i]);
}

void RunCode::emit(const ir::CheckStep& check) {
  // Numbers that wrap around may hold against each other: their range first.
  dims_.emit(plan_.assertions[check.assertion].given);
  dims_.emit(plan_.assertions[check.assertion].expected);
  dims_.check_range();
  emit_check(b_, plan_, check.assertion, values_, dims_);
}

void RunCode::emit(const ir::ReserveStep& reserve) {
  const ir::Buffer& buffer = plan_.buffers[reserve.buffer];
  if (buffer.kind == ir::Buffer::Kind::kOutput) {
    for (const Dim& dim : request_.outputs.at(buffer.index)) {
      if (ir::known_early(plan_, dim) || dim.lone_symbol()) continue;
      b_.store(amount(dim), values_, b_.constant(int64_t{8} * slots_.of(dim)));
    }
    dims_.check_range();
    b_.checked_call("dovetail_reserve_output",
                    {call_, b_.constant(static_cast<int64_t>(buffer.index))});
    return;
  }
  const Value bytes = amount(buffer.bytes);
  dims_.check_range();
  b_.checked_call("dovetail_reserve",
                  {call_, b_.constant(static_cast<int64_t>(buffer.index)), bytes});
}

void RunCode::emit(const ir::GrowStep& grow) {
  const ir::Buffer& buffer = plan_.buffers[grow.buffer];
  const Value bytes = amount(grow.bytes);
  dims_.check_range();
  b_.checked_call("dovetail_grow", {call_, b_.constant(static_cast<int64_t>(buffer.index)), bytes});
}

void RunCode::emit(const ir::BranchStep& branch) {
  const Value condition = truth(branch.condition);
  dims_.check_range();
  dims_.forget();
  b_.if_(
      condition,
      [&] {
        emit(*branch.then_steps);
        dims_.forget();
      },
      [&] { emit(*branch.else_steps); });
  dims_.forget();
}

void RunCode::emit(const ir::LoopStep& loop) {
  const Dim iteration = Dim::symbol(loop.iteration);
  Value enters = b_.constant(int64_t{1}, loop::scalar(ir::DType::kBool));
  if (loop.trips) enters = amount(*loop.trips) > b_.constant(int64_t{0});
  if (loop.has_condition) {
    enters = b_.binary(loop::Opcode::kAnd, enters, truth(loop.enter));
  }
  dims_.check_range();
  b_.if_(enters, [&] {
    set_symbol(loop.iteration, b_.constant(int64_t{0}));
    b_.repeat([&] {
      dims_.forget();
      const std::string outer = std::exchange(iteration_, loop.iteration);
      emit(*loop.body);
      iteration_ = outer;
      const Value next = slot(iteration) + 1;
      set_symbol(loop.iteration, next);
      Value again = b_.constant(int64_t{1}, loop::scalar(ir::DType::kBool));
      if (loop.trips) again = next < amount(*loop.trips);
      if (loop.has_condition) {
        again = b_.binary(loop::Opcode::kAnd, again, truth(loop.again));
      }
      dims_.check_range();
      return again;
    });
    dims_.forget();
  });
  dims_.forget();
}

}  // namespace dovetail::compiler
