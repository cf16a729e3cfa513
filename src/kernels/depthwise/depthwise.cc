#include "kernels/depthwise/depthwise.h"

#include <fmt/format.h>

#include <optional>

#include "kernels/scalar/scalar_code.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using loop::Builder;
using loop::Value;
using loop::Var;

constexpr int64_t kMaxRowTaps = 7;           // weights of a window row are held in registers
constexpr int64_t kChunkProducts = 1 << 18;  // about 20 us of one core

std::string name_of_window(const ir::Window& window) {
  std::string text = "depthwise";
  for (int i = 0; i < window.rank(); ++i)
    text += fmt::format("{}{}", i ? "x" : "", window.kernel[i]);
  return fmt::format("{}_s{}", text, window.strides.back());
}

class DepthwiseKernel {
 public:
  explicit DepthwiseKernel(const Request& request)
      : request_(request),
        contract_(*request.node->as<ir::Contract>()),
        window_(contract_.window),
        dtype_(request.operands[0].dtype),
        size_(ir::size_of(dtype_)),
        lanes_(request.level->vector_bytes / static_cast<int>(size_)),
        tile_(request.level->vector_registers >= 32 ? 7 : 4),
        taps_(window_.kernel.back()),
        columns_((tile_ - 1) * window_.strides.back() + (taps_ - 1) * window_.dilations.back() + 1),
        rank_(window_.rank()),
        writer_(name_of_window(window_), request),
        b_(writer_.code()) {}

  Call make() {
    declare();
    const Value first = b_.chunk() * rows_per_chunk_;
    const Value last = min(first + rows_per_chunk_, rows_);
    b_.for_each("row", first, last, 1, [&](const Value& row) { emit_row(row); });
    return writer_.finish(chunks_);
  }

 private:
  // A tensor's strides in bytes along batch and spatial axes; not valid where it repeats.
  struct Tensor {
    Value pointer;
    std::vector<Value> strides;
    bool along_channels = true;
  };

  // Where the columns of a tile lie.
  struct Column {
    Value offset;
    std::optional<Value> inside;  // at the borders
  };

  // The channels of one vector.
  struct Channels {
    Value offset;                // bytes
    std::optional<Value> count;  // lanes that exist, when not all do
  };

  const Layout& layout(int t) const {
    const int operands = static_cast<int>(request_.operands.size());
    return t < operands ? request_.operands[t] : request_.results[t - operands];
  }

  void declare() {
    const int tensors = static_cast<int>(request_.operands.size()) + 1;
    for (int t = 0; t < tensors; ++t) tensors_.push_back(declare_tensor(t));
    const Layout& x = layout(0);
    const Layout& y = request_.results[0];
    Dim products = x.shape.back();
    Dim rows = y.shape[0];
    for (int i = 0; i < rank_; ++i) products *= window_.kernel[i];
    if (rank_ == 2) {
      out_rows_ = writer_.integer("out_rows", y.shape[1]);
      in_rows_ = writer_.integer("in_rows", x.shape[1]);
      row_pad_ = writer_.integer("row_pad", window_.pad_lo[0]);
      rows *= y.shape[1];
    }
    pixels_ = writer_.integer("pixels", y.shape[rank_]);
    in_pixels_ = writer_.integer("in_pixels", x.shape[rank_]);
    pad_ = writer_.integer("pad", window_.pad_lo.back());
    channels_ = writer_.integer("channels", x.shape.back());
    whole_vectors_ = ir::mod(x.shape.back(), lanes_) == Dim(0);
    products *= y.shape[rank_];
    const Dim per_chunk = ir::max(1, ir::floordiv(kChunkProducts, ir::max(products, 1)));
    rows_ = writer_.integer("rows", rows);
    rows_per_chunk_ = writer_.integer("rows_per_chunk", per_chunk);
    chunks_ = ir::ceildiv(rows, per_chunk);
  }

  Tensor declare_tensor(int t) {
    Tensor tensor{writer_.pointer(fmt::format("t{}", t), t), {}, true};
    const Layout& lies = layout(t);
    tensor.along_channels = lies.shape.back() != Dim(1) && lies.strides.back() != Dim(0);
    if (t == 1) return tensor;  // weights are compact
    for (int i = 0; i <= rank_; ++i) {
      const bool repeats =
          lies.shape[i] == Dim(1) && t > 1 && t < static_cast<int>(request_.operands.size());
      const Dim stride = repeats ? Dim(0) : lies.strides[i];
      tensor.strides.push_back(stride == Dim(0)
                                   ? Value()
                                   : writer_.integer(fmt::format("stride{}_{}", t, i),
                                                     stride * ir::size_of(lies.dtype)));
    }
    return tensor;
  }

  Value number(int64_t value) { return b_.constant(value); }

  Value advanced(const Value& offset, const Tensor& tensor, int axis, const Value& index) {
    return tensor.strides[axis].valid() ? offset + index * tensor.strides[axis] : offset;
  }

  void emit_row(const Value& row) {
    const Value image = rank_ == 2 ? row / out_rows_ : row;
    const Value out_row = rank_ == 2 ? row % out_rows_ : number(0);
    row_offsets_.assign(tensors_.size(), number(0));
    for (size_t t = 0; t < tensors_.size(); ++t) {
      if (t == 1) continue;
      row_offsets_[t] = advanced(number(0), tensors_[t], 0, image);
      if (t != 0 && rank_ == 2)
        row_offsets_[t] = advanced(row_offsets_[t], tensors_[t], 1, out_row);
    }
    if (rank_ == 2) {
      // Window rows k with 0 <= origin + k * dilation < in_rows.
      const int64_t dilation = window_.dilations[0];
      row_origin_ = out_row * window_.strides[0] - row_pad_;
      row_begin_ = max(number(0), (number(dilation - 1) - row_origin_) / dilation);
      row_end_ =
          min(number(window_.kernel[0]), (in_rows_ - row_origin_ + (dilation - 1)) / dilation);
    }
    b_.for_each("tile", number(0), pixels_, tile_, [&](const Value& pixel) {
      const Value left = pixel * window_.strides.back() - pad_;
      const Value right = left + (columns_ - 1);
      const Value complete = pixel + (tile_ - 1) < pixels_;
      const Value inside = b_.binary(loop::Opcode::kAnd, left >= number(0), right < in_pixels_);
      b_.if_(
          b_.binary(loop::Opcode::kAnd, complete, inside), [&] { emit_tile(pixel, left, false); },
          [&] { emit_tile(pixel, left, true); });
    });
  }

  void emit_tile(const Value& pixel, const Value& left, bool border) {
    std::vector<Column> columns;
    for (int64_t c = 0; c < columns_; ++c) {
      Value at = left + c;
      Column column;
      if (border) {
        column.inside = b_.binary(loop::Opcode::kAnd, at >= number(0), at < in_pixels_);
        at = max(number(0), min(at, in_pixels_ - 1));
      }
      column.offset = advanced(row_offsets_[0], tensors_[0], rank_, at);
      columns.push_back(column);
    }
    const Value full = whole_vectors_ ? channels_ : channels_ / lanes_ * lanes_;
    b_.for_each("channels", number(0), full, lanes_,
                [&](const Value& c) { emit_block(pixel, columns, {c * size_, std::nullopt}); });
    if (whole_vectors_) return;
    b_.if_(full < channels_, [&] { emit_block(pixel, columns, {full * size_, channels_ - full}); });
  }

  Value load(const Value& pointer, const Value& offset, const Channels& channels) {
    const loop::Type type{dtype_, lanes_, false};
    return channels.count ? b_.load_masked(type, pointer, offset, *channels.count)
                          : b_.load(type, pointer, offset);
  }

  void emit_block(const Value& pixel, const std::vector<Column>& columns,
                  const Channels& channels) {
    std::vector<Var> sums;
    for (int p = 0; p < tile_; ++p)
      sums.push_back(b_.var("sum", b_.constant(int64_t{0}, {dtype_, lanes_, false})));
    if (rank_ == 1) {
      window_row(columns, channels, channels.offset, number(0), sums);
    } else {
      b_.for_each("k", row_begin_, row_end_, 1, [&](const Value& k) {
        const Value in_row = row_origin_ + k * window_.dilations[0];
        const Value x_offset = advanced(channels.offset, tensors_[0], 1, in_row);
        window_row(columns, channels, x_offset, k * channels_ * (taps_ * size_), sums);
      });
    }
    for (int p = 0; p < tile_; ++p) {
      const Value at = pixel + p;
      const Value sum = sums[p].get();
      // Tiles inside of the image are complete; the others end with the row.
      if (columns.front().inside && p > 0) {
        b_.if_(at < pixels_, [&] { store(at, sum, channels); });
      } else {
        store(at, sum, channels);
      }
    }
  }

  void window_row(const std::vector<Column>& columns, const Channels& channels,
                  const Value& x_offset, const Value& w_offset, const std::vector<Var>& sums) {
    std::vector<Value> weights;
    for (int64_t k = 0; k < taps_; ++k) {
      weights.push_back(load(tensors_[1].pointer,
                             w_offset + channels_ * (k * size_) + channels.offset, channels));
    }
    const Value zero = b_.constant(int64_t{0}, {dtype_, lanes_, false});
    for (int64_t c = 0; c < columns_; ++c) {
      Value x;
      for (int p = 0; p < tile_; ++p) {
        const int64_t distance = c - p * window_.strides.back();
        if (distance < 0 || distance % window_.dilations.back() != 0 ||
            distance / window_.dilations.back() >= taps_)
          continue;
        if (!x.valid()) {
          x = load(tensors_[0].pointer, x_offset + columns[c].offset, channels);
          if (columns[c].inside) x = b_.select(b_.broadcast(*columns[c].inside, lanes_), x, zero);
        }
        sums[p].set(b_.fma(x, weights[distance / window_.dilations.back()], sums[p].get()));
      }
    }
  }

  void store(const Value& pixel, const Value& sum, const Channels& channels) {
    const Tensor& y = tensors_.back();
    const Value result = contract_.epilogue ? epilogue(pixel, sum, channels) : sum;
    const int64_t y_size = ir::size_of(request_.results[0].dtype);
    const Value offset =
        advanced(row_offsets_.back(), y, rank_, pixel) + channels.offset / size_ * y_size;
    if (channels.count) {
      b_.store_masked(result, y.pointer, offset, *channels.count);
    } else {
      b_.store(result, y.pointer, offset);
    }
  }

  Value epilogue(const Value& pixel, const Value& sum, const Channels& channels) {
    std::vector<Value> operands{sum};
    for (size_t t = 2; t < request_.operands.size(); ++t) {
      const Tensor& tensor = tensors_[t];
      const ir::DType dtype = request_.operands[t].dtype;
      const Value offset = advanced(row_offsets_[t], tensor, rank_, pixel);
      if (!tensor.along_channels) {
        operands.push_back(
            b_.broadcast(b_.load(loop::scalar(dtype), tensor.pointer, offset), lanes_));
        continue;
      }
      const loop::Type type{dtype, lanes_, false};
      const Value at = offset + channels.offset / size_ * int64_t{ir::size_of(dtype)};
      operands.push_back(channels.count ? b_.load_masked(type, tensor.pointer, at, *channels.count)
                                        : b_.load(type, tensor.pointer, at));
    }
    return emit_scalar(b_, *contract_.epilogue, operands, lanes_);
  }

  const Request& request_;
  const ir::Contract& contract_;
  const ir::Window& window_;
  ir::DType dtype_;
  int64_t size_;
  int lanes_;
  int tile_;  // pixels
  int64_t taps_;
  int64_t columns_;  // of x that a tile sees
  int rank_;
  TaskWriter writer_;
  Builder& b_;
  bool whole_vectors_ = false;
  std::vector<Tensor> tensors_;
  std::vector<Value> row_offsets_;
  Value out_rows_, in_rows_, row_pad_, pixels_, in_pixels_, pad_, channels_, rows_, rows_per_chunk_;
  Value row_origin_, row_begin_, row_end_;
  Dim chunks_;
};

}  // namespace

bool is_depthwise(const Request& request) {
  const auto& contract = *request.node->as<ir::Contract>();
  const Layout& x = request.operands[0];
  const Layout& w = request.operands[1];
  const bool real = x.dtype == ir::DType::kF32 || x.dtype == ir::DType::kF64;
  const int rank = contract.window.rank();
  const auto compact = ir::compact_strides(w.shape);
  return real && contract.batch == 0 && contract.panel == 0 && contract.groups > 1 &&
         (rank == 1 || rank == 2) && x.shape.back() == Dim(contract.groups) &&
         w.shape.back() == Dim(contract.groups) && w.strides == compact &&
         contract.window.kernel.back() <= kMaxRowTaps;
}

Call depthwise_call(const Request& request) { return DepthwiseKernel(request).make(); }

}  // namespace dovetail::kernels
