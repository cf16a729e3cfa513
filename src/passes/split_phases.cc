// Output position o of an axis reads, at tap k, the spread input at o * stride + k * dilation -
// pad; that is an element of x when input_dilation divides it. For o = q * period + phase, with
// period = input_dilation / gcd(stride, input_dilation), the taps that do are the same for every q.
//
// Without input_dilation, and with stride 1, a period of the dilation makes all taps of a phase
// read every dilation-th element of x, from the same one on for every q.
#include "passes/split_phases.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Shape;
using ir::Value;

// Of one axis, as columns of one contraction: more take as long.
constexpr int64_t kMostPhases = 4096;

// An axis of one phase as a window over x, or every x_step-th element of it, that is not spread.
struct Phase {
  int64_t first_tap = 0, tap_step = 1, taps = 1;
  int64_t stride = 1, dilation = 1;
  int64_t first_x = 0, x_step = 1;
  Dim in;  // extent of what is read of x
  Dim pad;

  // Same window over the same elements, though of other taps.
  bool looks_like(const Phase& other) const {
    return taps == other.taps && dilation == other.dilation && pad == other.pad &&
           first_x == other.first_x;
  }
};

// The phases of one axis.
struct PhasedAxis {
  std::vector<Phase> phases;
  Dim out;     // extent of y
  Dim extent;  // of a phase; the last element of the last phases may be past the end of y
  int64_t period() const { return static_cast<int64_t>(phases.size()); }
  bool fills() const { return extent * Dim(period()) == out; }
};

// Of an axis whose input is spread.
Phase phase_of(const ir::Window& window, int axis, int64_t number, const Dim& in,
               const Dim& extent) {
  const int64_t spread = window.input_dilation(axis);
  const int64_t dilation = window.dilations[axis];
  const int64_t stride = window.strides[axis];
  const int64_t origin = number * stride - window.pad_lo[axis].value();
  Phase phase;
  phase.in = in;
  phase.stride = stride / std::gcd(stride, spread);
  phase.tap_step = spread / std::gcd(dilation, spread);
  phase.dilation = dilation / std::gcd(dilation, spread);
  const int64_t kernel = window.kernel[axis];
  while (phase.first_tap < kernel && (origin + phase.first_tap * dilation) % spread != 0)
    ++phase.first_tap;
  if (phase.first_tap == kernel) {
    // All taps fall between elements of x: any one that lies in front of x adds nothing either.
    phase.first_tap = 0;
    phase.pad = extent * Dim(phase.stride);
    return phase;
  }
  phase.taps = (kernel - 1 - phase.first_tap) / phase.tap_step + 1;
  phase.pad = Dim(0 - (origin + phase.first_tap * dilation) / spread);
  return phase;
}

// Of an axis whose window alone is dilated.
Phase dilated_phase_of(const ir::Window& window, int axis, int64_t number, const Dim& in) {
  const int64_t dilation = window.dilations[axis];
  const int64_t origin = number - window.pad_lo[axis].value();
  Phase phase;
  phase.taps = window.kernel[axis];
  phase.first_x = (origin % dilation + dilation) % dilation;
  phase.x_step = dilation;
  phase.in = ir::ceildiv(in - phase.first_x, dilation);
  phase.pad = Dim((phase.first_x - origin) / dilation);
  return phase;
}

bool is_dilated(const ir::Window& window, int axis) {
  return window.input_dilation(axis) == 1 && window.strides[axis] == 1;
}

int64_t period_of(const ir::Window& window, int axis) {
  if (is_dilated(window, axis)) return window.dilations[axis];
  const int64_t spread = window.input_dilation(axis);
  return spread / std::gcd(window.strides[axis], spread);
}

PhasedAxis phases_of(const ir::Window& window, int axis, const Dim& in, const Dim& out) {
  DOVETAIL_CHECK(window.pad_lo[axis].is_constant(), "phases of a padding of {}",
                 window.pad_lo[axis].to_string());
  const bool dilated = is_dilated(window, axis);
  const int64_t period = period_of(window, axis);
  PhasedAxis result{.phases = {}, .out = out, .extent = ir::ceildiv(out, period)};
  for (int64_t i = 0; i < period; ++i) {
    result.phases.push_back(dilated ? dilated_phase_of(window, axis, i, in)
                                    : phase_of(window, axis, i, in, result.extent));
  }
  return result;
}

// Writes the phases of one contraction.
class Splitter {
 public:
  Splitter(Rebuild& rebuild, const Node& node)
      : rebuild_(rebuild),
        node_(node),
        op_(*node.as<ir::Contract>()),
        rank_(op_.window.rank()),
        operands_(rebuild.operands_of(node)),
        out_(node.result()->shape()) {
    DOVETAIL_CHECK(op_.batch == 0, "phases with {} batch axes", op_.batch);
    for (int i = 0; i < rank_; ++i)
      axes_.push_back(phases_of(op_.window, i, operands_[0]->shape()[i + 1], out_[i + 1]));
    epilogue_inside_ = op_.epilogue && epilogue_fits();
    merged_ = op_.groups == 1 && axes_.back().period() > 1 && one_window(axes_.back());
  }

  static bool can_count(const Node& node) {
    const ir::Window& window = node.as<ir::Contract>()->window;
    for (int i = 0; i < window.rank(); ++i) {
      if (period_of(window, i) > kMostPhases) return false;
    }
    return true;
  }

  bool has_few_contractions() const {
    int64_t count = 1;
    for (size_t i = 0; i + (merged_ ? 1 : 0) < axes_.size(); ++i) {
      count *= axes_[i].period();
      if (count > kMostContractions) return false;
    }
    return true;
  }

  Value* run() {
    Value* y = interleaved(0, {});
    Shape whole = {out_[0]};
    for (const PhasedAxis& axis : axes_) whole.push_back(axis.extent * Dim(axis.period()));
    whole.push_back(out_.back());
    y = make(ir::Reshape{whole}, {y});
    if (whole != out_) {
      const std::vector<Dim> starts(out_.size(), Dim(0));
      y = make(ir::Slice{starts, std::vector<int64_t>(out_.size(), 1), out_}, {y});
    }
    if (!op_.epilogue || epilogue_inside_) return y;
    std::vector<Value*> operands = {y};
    operands.insert(operands.end(), operands_.begin() + 2, operands_.end());
    return make(ir::Elementwise{*op_.epilogue}, std::move(operands));
  }

 private:
  Value* make(ir::Primitive op, std::vector<Value*> operands) {
    return rebuild_.make(std::move(op), std::move(operands), node_.origins);
  }

  // Parts of operands that follow an axis exist for whole phases only.
  bool epilogue_fits() const {
    for (size_t k = 2; k < operands_.size(); ++k) {
      for (int i = 0; i < rank_; ++i) {
        if (operands_[k]->shape()[i + 1] != Dim(1) && !axes_[i].fills()) return false;
      }
    }
    return true;
  }

  static bool one_window(const PhasedAxis& axis) {
    for (const Phase& phase : axis.phases) {
      if (!phase.looks_like(axis.phases.front())) return false;
    }
    return true;
  }

  // (N, Q0, P0, Q1, P1, ..., M) with position q * period + p of the axes from `axis` on; the phases
  // of those before it are `chosen`, their P is 1.
  Value* interleaved(int axis, std::vector<int64_t> chosen) {
    if (axis == rank_ || (axis + 1 == rank_ && merged_)) return phase_value(chosen);
    std::vector<Value*> parts;
    chosen.push_back(0);
    for (int64_t p = 0; p < axes_[axis].period(); ++p) {
      chosen.back() = p;
      parts.push_back(interleaved(axis + 1, chosen));
    }
    return parts.size() == 1 ? parts[0] : make(ir::Concat{2 + 2 * axis}, std::move(parts));
  }

  // One phase, or all phases of the last axis as further columns: then its P is in front of M.
  Value* phase_value(const std::vector<int64_t>& chosen) {
    ir::Contract op = op_;
    op.window = window_of(chosen);
    std::vector<Value*> operands = {input_of(chosen), weights_of(chosen)};
    if (epilogue_inside_) {
      for (size_t k = 2; k < operands_.size(); ++k)
        operands.push_back(operand_of(operands_[k], chosen));
    } else {
      op.epilogue.reset();
    }
    Value* y = make(std::move(op), std::move(operands));
    Shape shape = {out_[0]};
    for (int i = 0; i < rank_; ++i) {
      shape.push_back(axes_[i].extent);
      shape.emplace_back(merged_ && i + 1 == rank_ ? axes_[i].period() : 1);
    }
    shape.push_back(out_.back());
    return make(ir::Reshape{std::move(shape)}, {y});
  }

  const Phase& phase(const std::vector<int64_t>& chosen, int axis) const {
    return axes_[axis].phases[axis < static_cast<int>(chosen.size()) ? chosen[axis] : 0];
  }

  ir::Window window_of(const std::vector<int64_t>& chosen) const {
    ir::Window window;
    for (int i = 0; i < rank_; ++i) {
      const Phase& p = phase(chosen, i);
      const PhasedAxis& axis = axes_[i];
      window.kernel.push_back(p.taps);
      window.strides.push_back(p.stride);
      window.dilations.push_back(p.dilation);
      window.pad_lo.push_back(p.pad);
      window.pad_hi.push_back((axis.extent - 1) * p.stride + (p.taps - 1) * p.dilation + 1 - p.in -
                              p.pad);
    }
    return window;
  }

  // What a phase reads of x.
  Value* input_of(const std::vector<int64_t>& chosen) {
    Value* x = operands_[0];
    ir::Slice slice{std::vector<Dim>(x->rank(), Dim(0)), std::vector<int64_t>(x->rank(), 1),
                    x->shape()};
    for (int i = 0; i < rank_; ++i) {
      const Phase& p = phase(chosen, i);
      slice.starts[i + 1] = p.first_x;
      slice.steps[i + 1] = p.x_step;
      slice.extents[i + 1] = p.in;
    }
    return slice.extents == x->shape() ? x : make(std::move(slice), {x});
  }

  // w (K..., C, M) -> the taps of a phase
  Value* weights_of(const std::vector<int64_t>& chosen) {
    if (!merged_) return taps_of(chosen);
    std::vector<Value*> parts;
    std::vector<int64_t> all = chosen;
    all.push_back(0);
    for (int64_t p = 0; p < axes_.back().period(); ++p) {
      all.back() = p;
      parts.push_back(taps_of(all));
    }
    return make(ir::Concat{rank_ + 1}, std::move(parts));
  }

  Value* taps_of(const std::vector<int64_t>& chosen) {
    ir::Slice slice{std::vector<Dim>(rank_ + 2, Dim(0)), std::vector<int64_t>(rank_ + 2, 1),
                    operands_[1]->shape()};
    for (int i = 0; i < rank_; ++i) {
      slice.starts[i] = phase(chosen, i).first_tap;
      slice.steps[i] = phase(chosen, i).tap_step;
      slice.extents[i] = phase(chosen, i).taps;
    }
    if (slice.extents == operands_[1]->shape()) return operands_[1];
    return make(std::move(slice), {operands_[1]});
  }

  // The part of an epilogue operand that a phase reads.
  Value* operand_of(Value* e, const std::vector<int64_t>& chosen) {
    ir::Slice slice{std::vector<Dim>(rank_ + 2, Dim(0)), std::vector<int64_t>(rank_ + 2, 1),
                    e->shape()};
    for (int i = 0; i < static_cast<int>(chosen.size()); ++i) {
      if (e->shape()[i + 1] == Dim(1)) continue;
      slice.starts[i + 1] = chosen[i];
      slice.steps[i + 1] = axes_[i].period();
      slice.extents[i + 1] = axes_[i].extent;
    }
    e = make(std::move(slice), {e});
    return merged_ ? beside_columns(e) : e;
  }

  // (..., Q * P or 1, M or 1) -> (..., Q or 1, P * M or 1)
  Value* beside_columns(Value* e) {
    Shape shape = e->shape();
    const Dim columns = shape.back();
    const bool moves = shape[rank_] != Dim(1);
    if (!moves && columns == Dim(1)) return e;
    const Dim period = axes_.back().period();
    const Dim extent = moves ? axes_.back().extent : Dim(1);
    shape.resize(rank_);
    const auto with = [&](std::initializer_list<Dim> last) {
      Shape result = shape;
      result.insert(result.end(), last);
      return result;
    };
    const Dim& all = out_.back();
    e = make(ir::Reshape{with({extent, moves ? period : Dim(1), columns})}, {e});
    e = make(ir::Broadcast{with({extent, period, all})}, {e});
    return make(ir::Reshape{with({extent, period * all})}, {e});
  }

  Rebuild& rebuild_;
  const Node& node_;
  const ir::Contract& op_;
  int rank_;
  std::vector<Value*> operands_;
  Shape out_;
  std::vector<PhasedAxis> axes_;
  bool epilogue_inside_ = false;
  bool merged_ = false;  // the phases of the last axis are columns
};

// With the zeros written between the elements of x.
Value* spread_out(Rebuild& rebuild, const Node& node) {
  ir::Contract op = *node.as<ir::Contract>();
  DOVETAIL_CHECK(op.batch == 0, "an input is spread beside {} batch axes", op.batch);
  std::vector<Value*> operands = rebuild.operands_of(node);
  const Shape x = operands[0]->shape();
  Shape apart = {x[0]}, whole = {x[0]};
  ir::Pad zeros{{0}, {0}, 0};
  for (int i = 0; i < op.window.rank(); ++i) {
    const int64_t spread = op.window.input_dilation(i);
    apart.insert(apart.end(), {x[i + 1], Dim(1)});
    zeros.hi.insert(zeros.hi.end(), {Dim(0), Dim(spread - 1)});
    whole.push_back(x[i + 1] * Dim(spread));
    op.window.pad_hi[i] += Dim(1 - spread);  // behind the last element there are zeros now
  }
  op.window.input_dilations.clear();
  for (Shape* shape : {&apart, &whole}) shape->push_back(x.back());
  zeros.hi.emplace_back(0);
  zeros.lo.assign(zeros.hi.size(), Dim(0));
  const auto make = [&](ir::Primitive primitive, Value* from) {
    return rebuild.make(std::move(primitive), {from}, node.origins);
  };
  operands[0] =
      make(ir::Reshape{whole}, make(std::move(zeros), make(ir::Reshape{apart}, operands[0])));
  return rebuild.make(std::move(op), std::move(operands), node.origins);
}

Value* phases(Rebuild& rebuild, const Node& node) {
  if (Splitter::can_count(node)) {
    Splitter splitter(rebuild, node);
    if (splitter.has_few_contractions()) return splitter.run();
  }
  return spread_out(rebuild, node);
}

bool dilates_input(const Node& node) {
  const auto* op = node.as<ir::Contract>();
  if (!op) return false;
  const std::vector<int64_t>& dilations = op->window.input_dilations;
  return std::any_of(dilations.begin(), dilations.end(), [](int64_t d) { return d != 1; });
}

}  // namespace

void split_phases_of(Graph& graph, const std::function<bool(const Node&)>& wanted) {
  Rebuild rebuild(graph);
  for (const auto& node : graph.nodes()) {
    if (wanted(*node)) {
      rebuild.set(node->result(), phases(rebuild, *node));
    } else {
      rebuild.copy(*node);
    }
  }
  rebuild.finish();
}

void split_phases(Graph& graph) { split_phases_of(graph, dilates_input); }

}  // namespace dovetail::passes
