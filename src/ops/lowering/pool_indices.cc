#include "ops/lowering/pool_indices.h"

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::ScalarOp;
using Ref = Positions::Ref;
using Refs = std::vector<Ref>;

class MaxIndices {
 public:
  MaxIndices(LowerContext& c, ir::Value* x, const ir::Window& window, bool column_major)
      : p_(c.graph(), {x}), x_(x->shape()), window_(window), column_major_(column_major) {}

  ir::Value* make(const ir::Shape& result) {
    Refs at = p_.indices(static_cast<int>(result.size()));
    for (int axis = 0; axis < window_.rank(); ++axis) {
      const Ref start = p_.mul(at[axis + 1], p_.number(window_.strides[axis]));
      starts_.push_back(p_.sub(start, p_.dim(window_.pad_lo[axis])));
    }
    each_tap(0, at, -1);
    return p_.lookup(result, best_index_);
  }

 private:
  // Tries every element of the window that is inside, in row-major order.
  void each_tap(int axis, Refs& at, Ref inside) {
    if (axis == window_.rank()) {
      take(at, inside);
      return;
    }
    const Ref last = p_.sub(p_.dim(x_[axis + 1]), p_.number(1));
    for (int64_t tap = 0; tap < window_.kernel[axis]; ++tap) {
      at[axis + 1] = p_.add(starts_[axis], p_.number(tap * window_.dilations[axis]));
      const Ref here = p_.within(at[axis + 1], p_.number(0), last);
      each_tap(axis + 1, at, inside < 0 ? here : p_.op(ScalarOp::kAnd, inside, here));
    }
  }

  void take(const Refs& at, Ref inside) {
    const Ref value = p_.load(0, at);
    const Ref index = flat(at);
    if (best_index_ < 0) {
      best_ = value;
      best_index_ = index;
      found_ = inside;
      return;
    }
    const Ref larger = p_.op(ScalarOp::kGt, value, best_);
    const Ref better = p_.op(ScalarOp::kOr, larger, p_.op(ScalarOp::kNot, found_));
    const Ref taken = p_.op(ScalarOp::kAnd, inside, better);
    best_ = p_.select(taken, value, best_);
    best_index_ = p_.select(taken, index, best_index_);
    found_ = p_.op(ScalarOp::kOr, found_, inside);
  }

  Ref flat(const Refs& at) {
    const auto rank = static_cast<int>(at.size());
    Ref index = p_.add(p_.mul(at[0], p_.dim(x_.back())), at.back());
    for (int k = 1; k + 1 < rank; ++k) {
      const int axis = column_major_ ? rank - 1 - k : k;
      index = p_.add(p_.mul(index, p_.dim(x_[axis])), at[axis]);
    }
    return index;
  }

  Positions p_;
  const ir::Shape& x_;
  const ir::Window& window_;
  bool column_major_;
  Refs starts_;
  Ref best_ = -1, best_index_ = -1, found_ = -1;
};

}  // namespace

ir::Value* max_indices(LowerContext& c, ir::Value* x, const ir::Window& window,
                       const ir::Shape& result, bool column_major) {
  constexpr int64_t kMaxTaps = 1024;
  int64_t taps = 1;
  for (const int64_t extent : window.kernel) {
    taps = extent > kMaxTaps ? kMaxTaps + 1 : taps * extent;
    if (taps <= kMaxTaps) continue;
    throw_error(ErrorKind::kUnsupported,
                "output 1 (Indices) of a window of more than {} elements is not supported",
                kMaxTaps);
  }
  return MaxIndices(c, x, window, column_major).make(result);
}

}  // namespace dovetail::ops
