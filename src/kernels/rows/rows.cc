#include "kernels/rows/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "base/error.h"
#include "kernels/rows/axes.h"
#include "kernels/rows/body.h"
#include "kernels/rows/passes.h"
#include "kernels/rows/tensors.h"
#include "kernels/scalar/reduction.h"
#include "kernels/scalar/scalar_code.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Value;
using loop::Var;
using rows::BodyValue;
using rows::Pass;
using rows::Position;

// Partial results of a reduction: enough to hide the latency of the additions.
constexpr int kPartials = 4;
constexpr int kMaxTile = 16;

class RowsKernel {
 public:
  explicit RowsKernel(const Request& request)
      : request_(request),
        body_(rows::body_of(*request.node)),
        plan_(rows::passes_of(body_)),
        nest_(rows::loop_nest(request, body_)),
        lanes_(nest_.contiguous ? choose_lanes() : 1),
        b_(rows::kernel_name(body_) + (nest_.tile ? "_transposed" : ""), loop::Convention::kTask),
        tensors_(request, nest_, lanes_, b_, call_) {}

  Call make() {
    declare_parameters();
    const Value first = b_.chunk() * rows_per_chunk_;
    const Value last = min(first + rows_per_chunk_, num_rows_);
    if (splits_vector_axis()) {
      // One row only: chunks are blocks of it.
      row({}, first, last);
    } else {
      each_row(first, last, [&](std::vector<Value> indices) {
        if (nest_.tile) {
          const Value tile = indices.back() * lanes_;
          indices.pop_back();
          tile_row(indices, tile);
        } else {
          row(indices, zero(), extent_);
        }
      });
    }
    call_.function = b_.finish();
    call_.function.strict = request_.strict;
    call_.function.llvm_cpu = request_.level->llvm_cpu;
    call_.function.llvm_features = request_.level->llvm_features;
    return std::move(call_);
  }

 private:
  using Memo = std::map<int, Value>;
  using BlockBody = std::function<void(const Value& index, const std::optional<Value>& count)>;

  Value zero() { return b_.constant(int64_t{0}); }
  bool vector_is_reduced() const { return nest_.vector.reduced; }
  bool splits_vector_axis() const {
    return nest_.kept.empty() && !nest_.tile && !vector_is_reduced();
  }

  // Strict results must not depend on the CPU level, so neither does the number of partial sums.
  int choose_lanes() const {
    int widest = 1;
    const auto take = [&](DType dtype) {
      widest = std::max(widest, ir::size_of(accumulator_dtype(dtype)));
    };
    for (const BodyValue& value : body_.values) {
      take(value.dtype);
      for (const ir::ScalarNode& node : value.expr.nodes) take(node.dtype);
    }
    if (request_.strict && body_.max_depth > 0) return 32 / widest;
    const int lanes = request_.level->vector_bytes / widest;
    return nest_.tile ? std::min(lanes, kMaxTile) : lanes;
  }

  void declare_parameters() {
    tensors_.declare_pointers();
    tensors_.declare_kept_axes();
    row_extents_ = tensors_.kept_extents();
    Dim rows = 1;
    for (const rows::Axis& axis : nest_.kept) rows *= axis.extent;
    tensors_.declare_inner_axes();
    Dim row_elements = 1;
    for (const rows::Axis& axis : nest_.reduced) row_elements *= axis.extent;
    extent_ = tensors_.int_parameter("extent", nest_.vector.extent);
    if (nest_.tile) {
      const Dim tiles = ceildiv(nest_.tile->extent, lanes_);
      tile_extent_ = tensors_.int_parameter("tile_extent", nest_.tile->extent);
      row_extents_.push_back(tensors_.int_parameter("tiles", tiles));
      rows *= tiles;
      row_elements *= lanes_;
    }
    const Dim chunk_elements = rows::elements_per_chunk(body_, nest_.contiguous);
    Dim per_chunk;
    if (splits_vector_axis()) {
      rows = nest_.vector.extent;
      per_chunk = max(Dim(1), floordiv(chunk_elements, max(row_elements, Dim(1))));
      per_chunk = ceildiv(per_chunk, 64) * 64;
    } else {
      row_elements *= nest_.vector.extent;
      per_chunk = max(Dim(1), floordiv(chunk_elements, max(row_elements, Dim(1))));
    }
    num_rows_ = tensors_.int_parameter("rows", rows);
    rows_per_chunk_ = tensors_.int_parameter("rows_per_chunk", per_chunk);
    call_.chunks = ceildiv(rows, per_chunk);
  }

  // Rows first..last with their indices along `row_extents_`: divided once, then counted on.
  void each_row(const Value& first, const Value& last,
                const std::function<void(std::vector<Value>)>& body) {
    if (row_extents_.size() < 2) {
      b_.for_each("row", first, last, 1, [&](const Value& index) {
        body(row_extents_.empty() ? std::vector<Value>{} : std::vector<Value>{index});
      });
      return;
    }
    std::vector<Var> indices(row_extents_.size());
    Value rest = first;
    for (size_t i = row_extents_.size(); i-- > 0;) {
      indices[i] = b_.var(fmt::format("i{}", i), i ? rest % row_extents_[i] : rest);
      if (i) rest = rest / row_extents_[i];
    }
    b_.for_each("row", first, last, 1, [&](const Value&) {
      std::vector<Value> now;
      for (const Var& index : indices) now.push_back(index.get());
      body(now);
      count_on(indices, row_extents_.size() - 1);
    });
  }

  void count_on(const std::vector<Var>& indices, size_t axis) {
    indices[axis].set(indices[axis].get() + 1);
    if (axis == 0) return;
    b_.if_(indices[axis].get() == row_extents_[axis], [&] {
      indices[axis].set(zero());
      count_on(indices, axis - 1);
    });
  }

  void row(const std::vector<Value>& kept, const Value& begin, const Value& end) {
    tensors_.enter_row(kept);
    if (vector_is_reduced()) {
      position({.vector_index = zero()});
    } else {
      blocks(begin, end, [&](const Value& index, const std::optional<Value>& count) {
        position({.vector_index = index, .count = count});
      });
    }
  }

  // Full vectors, then what is left.
  void blocks(const Value& begin, const Value& end, const BlockBody& body) {
    if (lanes_ == 1) {
      b_.for_each("element", begin, end, 1, [&](const Value& index) { body(index, std::nullopt); });
      return;
    }
    const Value full = begin + (end - begin) / lanes_ * lanes_;
    b_.for_each("block", begin, full, lanes_,
                [&](const Value& index) { body(index, std::nullopt); });
    b_.if_(full < end, [&] { body(full, end - full); });
  }

  // Squares of lanes x lanes elements along one row of them.
  void tile_row(const std::vector<Value>& kept, const Value& tile_index) {
    tensors_.enter_row(kept);
    const Value tile_count = min(tile_extent_ - tile_index, b_.constant(int64_t{lanes_}));
    const Value full = extent_ / lanes_ * lanes_;
    const auto edge = [&](const Value& index) {
      const Value count = min(extent_ - index, b_.constant(int64_t{lanes_}));
      tile({.vector_index = index, .count = count, .tile_index = tile_index}, tile_count);
    };
    b_.if_(
        tile_count == lanes_,
        [&] {
          b_.for_each("square", zero(), full, lanes_, [&](const Value& index) {
            tile({.vector_index = index, .tile_index = tile_index}, std::nullopt);
          });
          b_.if_(full < extent_, [&] { edge(full); });
        },
        [&] { b_.for_each("square", zero(), extent_, lanes_, edge); });
  }

  void tile(const Position& at, const std::optional<Value>& tile_count) {
    std::vector<Memo> memos(lanes_);
    for (size_t v = 0; v < body_.values.size(); ++v) {
      const int t = body_.values[v].operand;
      if (t < 0 || !tensors_.runs_along_tile(t)) continue;
      const std::vector<Value> vectors =
          tile_count ? tensors_.load_transposed(t, at, *at.count, *tile_count)
                     : tensors_.load_transposed(t, at);
      for (int j = 0; j < lanes_; ++j) memos[j][static_cast<int>(v)] = vectors[j];
    }
    for (int j = 0; j < lanes_; ++j) {
      Position line = at;
      line.tile_index = *at.tile_index + j;
      const auto store_line = [&] {
        for (size_t k = 0; k < body_.outputs.size(); ++k)
          tensors_.store(tensors_.result(static_cast<int>(k)), line,
                         value(body_.outputs[k], line, &memos[j], &memos[j]));
      };
      if (tile_count) {
        b_.if_(b_.constant(int64_t{j}) < *tile_count, store_line);
      } else {
        store_line();
      }
    }
  }

  // Everything of one kept position (of `lanes` of them when vectors run along a kept axis).
  void position(const Position& kept) {
    Memo known;  // values that do not vary along the reduced axes
    for (pass_ = 0; pass_ <= body_.max_depth; ++pass_) {
      const Pass& pass = plan_.passes[pass_];
      for (const int k : pass.row_outputs) store_row(k, kept, &known);
      if (!pass.reduces.empty() || !pass.outputs.empty()) run_pass(pass, kept, &known);
    }
  }

  int kept_lanes() const { return vector_is_reduced() ? 1 : lanes_; }

  void run_pass(const Pass& pass, const Position& kept, Memo* known) {
    for (const int v : pass.invariant) value(v, kept, known, known);
    // Elementary functions take longer than the additions they feed.
    const int partials = pass.reduces.empty() || pass.expensive ? 1 : kPartials;
    std::vector<std::vector<Var>> sums(partials);
    for (std::vector<Var>& part : sums) {
      for (const int r : pass.reduces) part.push_back(b_.var("acc", identity(body_.values[r])));
    }
    inner_loops(0, partials, kept, [&](const Position& at, int part) {
      Memo varying;
      for (size_t i = 0; i < pass.reduces.size(); ++i)
        accumulate(pass.reduces[i], sums[part][i], at, known, &varying);
      for (const auto& [v, saved] : plan_.saved) {
        if (saved.pass == pass_)
          tensors_.store(tensors_.result(saved.result), at, value(v, at, known, &varying));
      }
      // All are computed before one is stored: a saved value waits in the place of one of them.
      std::vector<Value> results;
      for (const int k : pass.outputs)
        results.push_back(spread(value(body_.outputs[k], at, known, &varying), lanes_));
      for (size_t i = 0; i < pass.outputs.size(); ++i)
        tensors_.store(tensors_.result(pass.outputs[i]), at, results[i]);
    });
    for (size_t i = 0; i < pass.reduces.size(); ++i) {
      std::vector<Value> parts;
      for (const std::vector<Var>& part : sums) parts.push_back(part[i].get());
      (*known)[pass.reduces[i]] = finish(body_.values[pass.reduces[i]], std::move(parts));
    }
  }

  // The loops of a pass over the reduced axes; the innermost one takes `partials` steps at once.
  void inner_loops(size_t depth, int partials, const Position& at,
                   const std::function<void(const Position&, int part)>& body) {
    const bool last = depth + 1 == nest_.reduced.size() && !vector_is_reduced();
    if (depth == nest_.reduced.size()) {
      if (vector_is_reduced()) {
        unrolled("block", extent_, lanes_, partials, [&](const Value& index, int part) {
          Position inner = at;
          inner.vector_index = index;
          body(inner, part);
        });
        reduced_tail(at, body);
      } else {
        body(at, 0);
      }
      return;
    }
    const auto step = [&](const Value& index, int part) {
      Position inner = at;
      inner.reduced.push_back(index);
      if (last) {
        body(inner, part);
      } else {
        inner_loops(depth + 1, partials, inner, body);
      }
    };
    unrolled(fmt::format("r{}", depth), tensors_.reduced_extents()[depth], 1, last ? partials : 1,
             step);
  }

  void reduced_tail(const Position& at, const std::function<void(const Position&, int)>& body) {
    if (lanes_ == 1) return;
    const Value full = extent_ / lanes_ * lanes_;
    b_.if_(full < extent_, [&] {
      Position inner = at;
      inner.vector_index = full;
      inner.count = extent_ - full;
      body(inner, 0);
    });
  }

  // 0..end in whole steps: `times` of them at once, then one by one.
  void unrolled(const std::string& name, const Value& end, int step, int times,
                const std::function<void(const Value&, int part)>& body) {
    Value begin = zero();
    if (times > 1) {
      const int64_t stride = int64_t{step} * times;
      const Value whole = end / stride * stride;
      b_.for_each(name, begin, whole, stride, [&](const Value& index) {
        for (int part = 0; part < times; ++part) body(index + part * step, part);
      });
      begin = whole;
    }
    const Value full = step == 1 ? end : end / step * step;
    b_.for_each(name, begin, full, step, [&](const Value& index) { body(index, 0); });
  }

  Value identity(const BodyValue& value) {
    return identity_of(b_, value.reduce, {accumulator_dtype(value.dtype), lanes_, false});
  }

  void accumulate(int r, const Var& sum, const Position& at, Memo* known, Memo* varying) {
    const BodyValue& reduce = body_.values[r];
    Value x = spread(value(reduce.arguments[0], at, known, varying), lanes_);
    x = b_.cast(x, accumulator_dtype(reduce.dtype));
    if (at.count && vector_is_reduced()) x = b_.select(lane_mask(*at.count), x, identity(reduce));
    sum.set(combine(b_, reduce.reduce, sum.get(), x));
  }

  // The partial results in one, and along a reduced vector axis its lanes too: halves first.
  Value finish(const BodyValue& reduce, std::vector<Value> parts) {
    while (parts.size() > 1) {
      const size_t half = parts.size() / 2;
      for (size_t i = 0; i < half; ++i)
        parts[i] = combine(b_, reduce.reduce, parts[i], parts[i + half]);
      parts.resize(half);
    }
    Value total = parts[0];
    while (vector_is_reduced() && total.lanes() > 1) {
      const int half = total.lanes() / 2;
      if (half == 1) {
        total = combine(b_, reduce.reduce, b_.extract(total, 0), b_.extract(total, 1));
        break;
      }
      std::vector<int32_t> low(half), high(half);
      for (int i = 0; i < half; ++i) {
        low[i] = i;
        high[i] = i + half;
      }
      total =
          combine(b_, reduce.reduce, b_.shuffle(total, total, low), b_.shuffle(total, total, high));
    }
    return b_.cast(total, reduce.dtype);
  }

  Value lane_mask(const Value& count) {
    const loop::Type type{DType::kI32, lanes_, false};
    return b_.iota(type) < b_.broadcast(b_.cast(count, DType::kI32), lanes_);
  }

  Value spread(const Value& value, int lanes) {
    return value.lanes() == lanes ? value : b_.broadcast(value, lanes);
  }

  // A value at a position; what does not vary comes from `known`, the rest is kept in `memo`.
  Value value(int v, const Position& at, Memo* known, Memo* memo) {
    const BodyValue& wanted = body_.values[v];
    Memo* home = wanted.varies ? memo : known;
    if (const auto found = home->find(v); found != home->end()) return found->second;
    const int lanes = wanted.varies ? lanes_ : kept_lanes();
    const auto saved = plan_.saved.find(v);
    Value result;
    if (saved != plan_.saved.end() && saved->second.pass < pass_) {
      result = tensors_.load(tensors_.result(saved->second.result), at, lanes, false);
    } else if (wanted.kind == BodyValue::Kind::kOperand) {
      result = tensors_.load(wanted.operand, at, lanes, vector_is_reduced() && !wanted.varies);
    } else {
      DOVETAIL_CHECK(wanted.kind == BodyValue::Kind::kElementwise,
                     "a reduction is used before it is finished");
      std::vector<Value> arguments;
      for (const int argument : wanted.arguments)
        arguments.push_back(spread(value(argument, at, known, memo), lanes));
      result = emit_scalar(b_, wanted.expr, arguments, lanes);
    }
    home->emplace(v, result);
    return result;
  }

  void store_row(int k, const Position& kept, Memo* known) {
    const Value result = value(body_.outputs[k], kept, known, known);
    if (vector_is_reduced()) {
      tensors_.store_one(tensors_.result(k), result);
    } else {
      tensors_.store(tensors_.result(k), kept, result);
    }
  }

  const Request& request_;
  rows::Body body_;
  rows::Passes plan_;
  rows::LoopNest nest_;
  int lanes_;
  loop::Builder b_;
  Call call_;
  rows::Tensors tensors_;
  int pass_ = 0;  // being written
  std::vector<Value> row_extents_;
  Value extent_, tile_extent_, num_rows_, rows_per_chunk_;
};

}  // namespace

Call rows_call(const Request& request) { return RowsKernel(request).make(); }

}  // namespace dovetail::kernels
