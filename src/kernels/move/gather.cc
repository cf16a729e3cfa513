#include "kernels/move/gather.h"

#include <fmt/format.h>

namespace dovetail::kernels {
namespace {

using ir::Dim;
using loop::Builder;
using loop::Value;

// One loop over the elements in front of the axis and the indices; runs behind it are copied, by
// vectors where they lie contiguous.
class GatherKernel {
 public:
  explicit GatherKernel(const Request& request)
      : request_(request),
        axis_(request.node->as<ir::Gather>()->axis),
        x_(request.operands[0]),
        index_(request.operands[1]),
        y_(request.results[0]),
        index_rank_(static_cast<int>(index_.shape.size())),
        b_("gather", loop::Convention::kTask) {}

  Call make() {
    declare_parameters();
    const Value first = b_.chunk() * per_chunk_;
    const Value last = min(first + per_chunk_, positions_);
    const auto all = [&](bool reads) {
      reads_ = reads;
      b_.for_each("position", first, last, 1, [&](const Value& position) { emit(position); });
    };
    const ir::Bounds gathered = x_.shape[axis_].bounds(request_.symbols);
    if (gathered.min > 0 || gathered.max == 0) {
      all(gathered.min > 0);
    } else {
      b_.if_(gathered_ > 0, [&] { all(true); }, [&] { all(false); });
    }
    call_.function = b_.finish();
    call_.function.llvm_cpu = request_.level->llvm_cpu;
    call_.function.llvm_features = request_.level->llvm_features;
    return std::move(call_);
  }

 private:
  Value int_parameter(const std::string& name, const Dim& value) {
    call_.arguments.push_back(Argument::integer(value));
    return b_.int_parameter(name);
  }

  void declare_parameters() {
    for (int t = 0; t < 3; ++t) {
      pointers_.push_back(b_.pointer_parameter(fmt::format("p{}", t)));
      call_.arguments.push_back(Argument::pointer(t));
    }
    const int64_t size = ir::size_of(x_.dtype);
    Dim positions = 1;
    Dim run = 1;
    const int rank = static_cast<int>(y_.shape.size());
    for (int i = 0; i < rank; ++i) {
      extents_.push_back(int_parameter(fmt::format("extent{}", i), y_.shape[i]));
      y_strides_.push_back(int_parameter(fmt::format("y_stride{}", i), y_.strides[i] * size));
      (i < axis_ + index_rank_ ? positions : run) *= y_.shape[i];
    }
    for (size_t i = 0; i < x_.shape.size(); ++i)
      x_strides_.push_back(int_parameter(fmt::format("x_stride{}", i), x_.strides[i] * size));
    for (int i = 0; i < index_rank_; ++i) {
      index_strides_.push_back(int_parameter(fmt::format("index_stride{}", i),
                                             index_.strides[i] * ir::size_of(index_.dtype)));
    }
    gathered_ = int_parameter("gathered", x_.shape[axis_]);
    const Dim per_chunk = max(Dim(1), floordiv(Dim(16384), max(run, Dim(1))));
    positions_ = int_parameter("positions", positions);
    per_chunk_ = int_parameter("per_chunk", per_chunk);
    call_.chunks = ceildiv(positions, per_chunk);
  }

  void emit(const Value& position) {
    Value rest = position;
    Value y_offset = b_.constant(int64_t{0});
    Value x_offset = y_offset;
    Value index_offset = y_offset;
    for (int i = axis_ + index_rank_; i-- > 0;) {
      const Value at = rest % extents_[i];
      rest = rest / extents_[i];
      y_offset = y_offset + at * y_strides_[i];
      if (i < axis_) {
        x_offset = x_offset + at * x_strides_[i];
      } else {
        index_offset = index_offset + at * index_strides_[i - axis_];
      }
    }
    const Value zero = b_.constant(int64_t{0});
    Value index =
        b_.cast(b_.load(loop::scalar(index_.dtype), pointers_[1], index_offset), ir::DType::kI64);
    index = b_.select(index < zero, index + gathered_, index);
    index = max(zero, min(index, gathered_ - 1));
    copy_run(axis_ + index_rank_, x_offset + index * x_strides_[axis_], y_offset);
  }

  bool contiguous() const {
    return !y_.shape.empty() && static_cast<int>(y_.shape.size()) > axis_ + index_rank_ &&
           y_.strides.back() == Dim(1) && x_.strides.back() == Dim(1);
  }

  // Of an axis without elements every index is outside: nothing is read, as in lookups.
  Value load(const loop::Type& type, const Value& offset) {
    if (reads_) return b_.load(type, pointers_[0], offset);
    return ir::is_float(type.dtype) ? b_.constant(0.0, type) : b_.constant(int64_t{0}, type);
  }

  void copy_run(int y_axis, const Value& x_offset, const Value& y_offset) {
    const int rank = static_cast<int>(y_.shape.size());
    if (y_axis == rank) {
      b_.store(load(loop::scalar(x_.dtype), x_offset), pointers_[2], y_offset);
      return;
    }
    const Value zero = b_.constant(int64_t{0});
    if (y_axis == rank - 1 && contiguous()) {
      const int lanes = request_.level->vector_bytes / ir::size_of(x_.dtype);
      const loop::Type type{x_.dtype, lanes, false};
      const Value full = extents_[y_axis] / lanes * lanes;
      b_.for_each("block", zero, full, lanes, [&](const Value& i) {
        const Value offset = b_.element(i, x_.dtype);
        b_.store(load(type, x_offset + offset), pointers_[2], y_offset + offset);
      });
      b_.for_each("rest", full, extents_[y_axis], 1, [&](const Value& i) {
        const Value offset = b_.element(i, x_.dtype);
        b_.store(load(loop::scalar(x_.dtype), x_offset + offset), pointers_[2], y_offset + offset);
      });
      return;
    }
    const int x_axis = y_axis - index_rank_ + 1;
    b_.for_each(fmt::format("run{}", y_axis), zero, extents_[y_axis], 1, [&](const Value& i) {
      copy_run(y_axis + 1, x_offset + i * x_strides_[x_axis], y_offset + i * y_strides_[y_axis]);
    });
  }

  const Request& request_;
  int axis_;
  const Layout& x_;
  const Layout& index_;
  const Layout& y_;
  int index_rank_;
  bool reads_ = true;
  Builder b_;
  Call call_;
  std::vector<Value> pointers_, extents_, y_strides_, x_strides_, index_strides_;
  Value gathered_, positions_, per_chunk_;
};

}  // namespace

Call gather_call(const Request& request) { return GatherKernel(request).make(); }

}  // namespace dovetail::kernels
