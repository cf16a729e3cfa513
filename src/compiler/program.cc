#include "compiler/program.h"

#include <dovetail/abi.h>

#include <map>

#include "base/error.h"

namespace dovetail::compiler {
namespace {

using ir::Dim;
using loop::Builder;
using loop::Value;

// Slots of the values table: the workspace, the outputs' extents, then every other expression once.
class Slots {
 public:
  explicit Slots(const std::vector<Dim>& output_dims) {
    for (const Dim& dim : output_dims) of(dim);
  }
  int of(const Dim& dim) {
    const auto [found, inserted] = slots_.try_emplace(dim, static_cast<int>(dims_.size()) + 1);
    if (inserted) dims_.push_back(dim);
    return found->second;
  }
  const std::vector<Dim>& dims() const { return dims_; }
  int count() const { return static_cast<int>(dims_.size()) + 1; }

 private:
  std::map<Dim, int> slots_;
  std::vector<Dim> dims_;
};

// Emits shape expressions; equal subexpressions once.
class DimEmitter {
 public:
  DimEmitter(Builder& builder, std::map<std::string, Value> symbols)
      : b_(builder), symbols_(std::move(symbols)) {}

  Value emit(const Dim& dim) {
    if (const auto found = done_.find(dim); found != done_.end()) return found->second;
    Value sum = b_.constant(int64_t{0});
    for (const Dim::Term& term : dim.terms()) {
      Value product = b_.constant(term.coefficient);
      for (const auto& factor : term.factors) product = product * emit(*factor);
      sum = sum + product;
    }
    done_.emplace(dim, sum);
    return sum;
  }

 private:
  Value emit(const Dim::Atom& atom) {
    if (atom.kind == ir::AtomKind::kSymbol) return symbols_.at(atom.name);
    std::vector<Value> arguments;
    for (const Dim& argument : atom.arguments) arguments.push_back(emit(argument));
    switch (atom.kind) {
      case ir::AtomKind::kFloorDiv:
        return floordiv(arguments[0], arguments[1]);
      case ir::AtomKind::kMod:
        return arguments[0] - floordiv(arguments[0], arguments[1]) * arguments[1];
      case ir::AtomKind::kMin:
        return min(arguments[0], arguments[1]);
      case ir::AtomKind::kMax:
        return max(arguments[0], arguments[1]);
      default:
        return b_.select(arguments[0] >= arguments[1], arguments[2], arguments[3]);
    }
  }

  // Loop IR truncates: one less where the remainder is not 0 and the signs differ.
  Value floordiv(const Value& a, const Value& b) {
    const Value quotient = a / b;
    const Value remainder = a % b;
    const Value zero = b_.constant(int64_t{0});
    const Value inexact = remainder != zero;
    const Value differ = (remainder < zero) != (b < zero);
    const Value lower = b_.select(differ, quotient - 1, quotient);
    return b_.select(inexact, lower, quotient);
  }

  Builder& b_;
  std::map<std::string, Value> symbols_;
  std::map<Dim, Value> done_;
};

class RunEmitter {
 public:
  RunEmitter(const ProgramRequest& request, Slots& slots)
      : request_(request),
        plan_(*request.plan),
        slots_(slots),
        b_(request.run_name, loop::Convention::kPlain) {}

  loop::Function emit() {
    call_ = b_.pointer_parameter("call");
    values_ = b_.load_pointer(call_, DV_CALL_VALUES);
    io_ = b_.load_pointer(call_, DV_CALL_IO);
    workspace_ = b_.load_pointer(call_, DV_CALL_WORKSPACE);
    weights_ = b_.load_pointer(call_, DV_CALL_WEIGHTS);
    for (const ir::Buffer& buffer : plan_.buffers) {
      if (buffer.kind == ir::Buffer::Kind::kInput)
        num_inputs_ = std::max(num_inputs_, buffer.index + 1);
    }
    for (const ir::Step& step : plan_.steps) emit_step(step);
    return b_.finish();
  }

 private:
  Value amount(const Dim& dim) {
    if (dim.is_constant()) return b_.constant(dim.value());
    return b_.load(loop::scalar(ir::DType::kI64), values_,
                   b_.constant(int64_t{8} * slots_.of(dim)));
  }

  Value pointer(const ir::StepArgument& argument) {
    const ir::Buffer& buffer = plan_.buffers[argument.buffer];
    const Dim offset = buffer.offset + argument.value;
    Value base = workspace_;
    switch (buffer.kind) {
      case ir::Buffer::Kind::kInput:
        base = b_.load_pointer(io_, buffer.index);
        break;
      case ir::Buffer::Kind::kOutput:
        base = b_.load_pointer(io_, num_inputs_ + buffer.index);
        break;
      case ir::Buffer::Kind::kWeights:
        base = weights_;
        break;
      case ir::Buffer::Kind::kWorkspace:
        break;
    }
    return b_.address(base, amount(offset));
  }

  void emit_step(const ir::Step& step) {
    std::string nodes;
    for (const std::string& origin : step.origins) nodes += (nodes.empty() ? "" : ", ") + origin;
    b_.comment(nodes);
    std::vector<Value> words;
    for (const ir::StepArgument& argument : step.arguments) {
      switch (argument.kind) {
        case ir::StepArgument::Kind::kPointer:
          words.push_back(pointer(argument));
          break;
        case ir::StepArgument::Kind::kInt:
          words.push_back(amount(argument.value));
          break;
        case ir::StepArgument::Kind::kScratch:
          words.push_back(b_.address(workspace_, amount(plan_.workspace)));
          break;
      }
    }
    b_.parallel_call((*request_.kernels)[step.function].name, call_, words, amount(step.chunks));
  }

  const ProgramRequest& request_;
  const ir::Plan& plan_;
  Slots& slots_;
  Builder b_;
  Value call_, values_, io_, workspace_, weights_;
  int num_inputs_ = 0;
};

loop::Function emit_layout(const ProgramRequest& request, const Slots& slots) {
  Builder b(request.layout_name, loop::Convention::kPlain);
  const Value dims = b.pointer_parameter("dims");
  const Value workers = b.int_parameter("workers");
  const Value values = b.pointer_parameter("values");
  std::map<std::string, Value> symbols;
  for (size_t i = 0; i < request.dims.size(); ++i) {
    symbols[request.dims[i]] =
        b.load(loop::scalar(ir::DType::kI64), dims, b.constant(static_cast<int64_t>(8 * i)));
  }
  DimEmitter emitter(b, std::move(symbols));
  const Value scratch = emitter.emit(request.plan->scratch) * workers;
  b.store(emitter.emit(request.plan->workspace) + scratch, values,
          b.constant(int64_t{8} * DV_VALUE_WORKSPACE));
  for (size_t i = 0; i < slots.dims().size(); ++i) {
    b.store(emitter.emit(slots.dims()[i]), values, b.constant(static_cast<int64_t>(8 * (i + 1))));
  }
  return b.finish();
}

}  // namespace

Program make_program(const ProgramRequest& request) {
  Program program;
  Slots slots(request.output_dims);
  for (const Dim& dim : request.output_dims) program.output_slots.push_back(slots.of(dim));
  RunEmitter run(request, slots);
  program.run = run.emit();
  program.layout = emit_layout(request, slots);
  program.num_values = slots.count();
  return program;
}

}  // namespace dovetail::compiler
