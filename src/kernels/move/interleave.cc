#include "kernels/move/interleave.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "kernels/scalar/scalar_code.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using loop::Value;

constexpr int64_t kMaxStreams = 12;
constexpr int64_t kChunkElements = 65536;

struct Axis {
  Dim extent, x, y;  // strides
};

// Axes of extent 1 gone, neighbours merged.
std::vector<Axis> axes_of(const Layout& x, const Layout& y) {
  std::vector<Axis> axes;
  for (size_t i = 0; i < y.shape.size(); ++i) {
    if (y.shape[i] == Dim(1)) continue;
    const Axis axis{y.shape[i], x.shape[i] == Dim(1) ? Dim(0) : x.strides[i], y.strides[i]};
    if (!axes.empty() && axes.back().x == axis.x * axis.extent &&
        axes.back().y == axis.y * axis.extent) {
      axes.back() = {axes.back().extent * axis.extent, axis.x, axis.y};
    } else {
      axes.push_back(axis);
    }
  }
  return axes;
}

// What goes between which streams.
struct Exchange {
  bool joins = false;  // x are streams, y holds them in turn
  int64_t streams = 0;
  Dim length;  // of a stream
  Dim apart;   // elements between the starts of streams
  std::vector<Axis> outer;
};

std::optional<Exchange> exchange_of(const Layout& x, const Layout& y) {
  const std::vector<Axis> axes = axes_of(x, y);
  for (size_t s = 0; s < axes.size(); ++s) {
    const std::optional<int64_t> streams = axes[s].extent.constant();
    if (!streams || *streams < 2 || *streams > kMaxStreams) continue;
    for (size_t a = 0; a < axes.size(); ++a) {
      if (a == s) continue;
      const bool joins = axes[s].y == Dim(1) && axes[a].y == Dim(*streams) && axes[a].x == Dim(1);
      const bool splits = axes[s].x == Dim(1) && axes[a].x == Dim(*streams) && axes[a].y == Dim(1);
      if (!joins && !splits) continue;
      Exchange result{joins, *streams, axes[a].extent, joins ? axes[s].x : axes[s].y, {}};
      for (size_t i = 0; i < axes.size(); ++i) {
        if (i != a && i != s) result.outer.push_back(axes[i]);
      }
      return result;
    }
  }
  return std::nullopt;
}

class InterleaveKernel {
 public:
  InterleaveKernel(const Request& request, Exchange exchange)
      : request_(request),
        exchange_(std::move(exchange)),
        sizes_{ir::size_of(request.operands[0].dtype), ir::size_of(request.results[0].dtype)},
        lanes_(request.level->vector_bytes / std::max(sizes_[0], sizes_[1])),
        writer_(fmt::format("{}_{}_streams", exchange_.joins ? "join" : "split", exchange_.streams),
                request),
        code_(writer_.code()) {}

  Call make() {
    declare();
    const Value first = code_.chunk() * per_chunk_;
    const Value last = min(first + per_chunk_, total_);
    if (exchange_.outer.empty()) {
      blocks(x_, y_, first, last);
    } else {
      code_.for_each("unit", first, last, 1, [&](const Value& unit) { emit_unit(unit); });
    }
    return writer_.finish(chunks_);
  }

 private:
  struct OuterAxis {
    Value extent, x, y;
  };

  // Chunks are parts of the streams, or of what is around them.
  void declare() {
    x_ = writer_.pointer("x", 0);
    y_ = writer_.pointer("y", 1);
    length_ = writer_.integer("length", exchange_.length);
    apart_ = writer_.integer("apart", exchange_.apart * Dim(sizes_[exchange_.joins ? 0 : 1]));
    Dim total = 1;
    for (size_t i = 0; i < exchange_.outer.size(); ++i) {
      const Axis& axis = exchange_.outer[i];
      outer_.push_back({writer_.integer(fmt::format("extent{}", i), axis.extent),
                        writer_.integer(fmt::format("x{}", i), axis.x * Dim(sizes_[0])),
                        writer_.integer(fmt::format("y{}", i), axis.y * Dim(sizes_[1]))});
      total *= axis.extent;
    }
    Dim part = kChunkElements / exchange_.streams / lanes_ * lanes_;
    if (outer_.empty()) {
      total = exchange_.length;
    } else {
      const Dim unit = exchange_.length * Dim(exchange_.streams);
      part = ir::max(ir::floordiv(Dim(kChunkElements), ir::max(unit, 1)), 1);
    }
    total_ = writer_.integer("total", total);
    per_chunk_ = writer_.integer("per_chunk", part);
    chunks_ = ir::ceildiv(total, part);
  }

  void emit_unit(const Value& unit) {
    Value x = x_;
    Value y = y_;
    Value rest = unit;
    for (size_t i = outer_.size(); i-- > 0;) {
      const Value position = i == 0 ? rest : rest % outer_[i].extent;
      if (i > 0) rest = rest / outer_[i].extent;
      x = code_.address(x, position * outer_[i].x);
      y = code_.address(y, position * outer_[i].y);
    }
    blocks(x, y, code_.constant(int64_t{0}), length_);
  }

  // Elements first..last of every stream: the last vectors overlap those before where that stays
  // inside of the chunk, else they are masked.
  void blocks(const Value& x, const Value& y, const Value& first, const Value& last) {
    const Value full = first + (last - first) / lanes_ * lanes_;
    code_.for_each("block", first, full, lanes_,
                   [&](const Value& index) { block(x, y, index, {}); });
    const std::optional<int64_t> length = exchange_.length.constant();
    if (length && *length % lanes_ == 0) return;
    const bool overlaps = !outer_.empty() && length && *length >= lanes_;
    code_.if_(full < last, [&] {
      if (overlaps) {
        block(x, y, last - lanes_, {});
      } else {
        block(x, y, full, last - full);
      }
    });
  }

  // `count` valid: so many elements of each stream.
  void block(const Value& x, const Value& y, const Value& index, const Value& count) {
    const auto streams = static_cast<int>(exchange_.streams);
    const ir::DType dtype = request_.operands[0].dtype;
    std::vector<Value> in;
    for (int j = 0; j < streams; ++j) {
      const Place place = place_of(exchange_.joins, j, index, count, sizes_[0]);
      const loop::Type type = loop::vector(dtype, lanes_);
      in.push_back(count.valid() ? code_.load_masked(type, x, place.offset, place.count)
                                 : code_.load(type, x, place.offset));
    }
    for (int j = 0; j < streams; ++j) {
      Value value = exchanged(in, j);
      if (const auto* elementwise = request_.node->as<ir::Elementwise>()) {
        const Value operands[] = {value};
        value = emit_scalar(code_, elementwise->expr, operands, lanes_);
      }
      const Place place = place_of(!exchange_.joins, j, index, count, sizes_[1]);
      if (count.valid()) {
        code_.store_masked(value, y, place.offset, place.count);
      } else {
        code_.store(value, y, place.offset);
      }
    }
  }

  struct Place {
    Value offset, count;
  };

  // Vector j of a block: of stream j, or of all streams in turn.
  Place place_of(bool streams, int j, const Value& index, const Value& count, int size) {
    if (streams) return {index * size + apart_ * int64_t{j}, count};
    const int64_t before = int64_t{j} * lanes_;
    return {(index * exchange_.streams + before) * size,
            count.valid() ? count * exchange_.streams - before : count};
  }

  // Vector j of the other side: its lanes come from some vectors of this side, taken in one by one.
  Value exchanged(const std::vector<Value>& in, int j) {
    const auto streams = static_cast<int>(exchange_.streams);
    std::vector<int> vector(lanes_), lane(lanes_);
    for (int l = 0; l < lanes_; ++l) {
      const int together = exchange_.joins ? j * lanes_ + l : l * streams + j;
      vector[l] = exchange_.joins ? together % streams : together / lanes_;
      lane[l] = exchange_.joins ? together / streams : together % lanes_;
    }
    Value result;
    std::vector<bool> placed(lanes_, false);
    for (int v = 0; v < streams; ++v) {
      if (std::find(vector.begin(), vector.end(), v) == vector.end()) continue;
      std::vector<int32_t> picked(lanes_, 0);
      for (int l = 0; l < lanes_; ++l) {
        if (vector[l] == v) {
          picked[l] = (result.valid() ? lanes_ : 0) + lane[l];
          placed[l] = true;
        } else if (placed[l]) {
          picked[l] = l;
        }
      }
      result = code_.shuffle(result.valid() ? result : in[v], in[v], std::move(picked));
    }
    return result;
  }

  const Request& request_;
  Exchange exchange_;
  int sizes_[2];  // of an element of x and of y
  int lanes_;
  TaskWriter writer_;
  loop::Builder& code_;
  Value x_, y_, length_, apart_, total_, per_chunk_;
  std::vector<OuterAxis> outer_;
  Dim chunks_;
};

}  // namespace

std::optional<Call> interleave_call(const Request& request) {
  const ir::Node& node = *request.node;
  if (!node.as<ir::Copy>() && !node.as<ir::Elementwise>()) return std::nullopt;
  if (request.operands.size() != 1 || request.strict) return std::nullopt;
  const Layout& x = request.operands[0];
  const Layout& y = request.results[0];
  if (x.dtype == ir::DType::kBool || y.dtype == ir::DType::kBool || x.shape != y.shape)
    return std::nullopt;
  auto exchange = exchange_of(x, y);
  if (!exchange) return std::nullopt;
  return InterleaveKernel(request, *std::move(exchange)).make();
}

}  // namespace dovetail::kernels
