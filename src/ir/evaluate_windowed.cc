#include <algorithm>
#include <limits>

#include "ir/evaluate_primitives.h"
#include "ir/evaluate_scalar.h"
#include "ir/evaluate_winograd.h"
#include "ir/index_space.h"

namespace dovetail::ir {
namespace {

using Index = std::vector<int64_t>;

// Sums in double, integers modulo 2^64.
double number_of(const Scalar& value, double /*tag*/) { return value.real; }
uint64_t number_of(const Scalar& value, uint64_t /*tag*/) {
  return static_cast<uint64_t>(value.integer);
}

// Where tap `tap` of the window at output position `at` lies in x, per axis; false outside.
bool source_of(const Window& window, const Index& at, const Index& tap, const Index& spatial,
               int64_t* position) {
  *position = 0;
  for (size_t i = 0; i < spatial.size(); ++i) {
    const int64_t spread =
        at[i] * window.strides[i] + tap[i] * window.dilations[i] - window.pad_lo[i].value();
    const int64_t p = spread / window.input_dilation(static_cast<int>(i));
    if (spread < 0 || p >= spatial[i]) return false;
    if (spread % window.input_dilation(static_cast<int>(i)) != 0) return false;
    *position = *position * spatial[i] + p;
  }
  return true;
}

// Extents of a contraction: x (batch, rows, spatial, channels), w (batch, taps, depth, columns).
struct Extents {
  int64_t batch, rows, channels, depth, columns, groups;
  Index spatial, out, taps;  // taps: of w
};

Extents extents_of(const Contract& op, const TensorData& x, const ResultType& type) {
  const Index& from = x.shape();
  Extents e;
  e.batch = count_of(Index(from.begin(), from.begin() + op.batch));
  e.rows = from[op.batch];
  e.channels = from.back();
  e.groups = op.groups;
  e.depth = e.channels / op.groups;
  e.columns = type.shape.back();
  e.spatial = Index(from.begin() + op.batch + 1, from.end() - 1);
  e.out = Index(type.shape.begin() + op.batch + 1, type.shape.end() - 1);
  e.taps = op.window.kernel;
  if (op.winograd) e.taps.assign(2, op.winograd + 2);
  return e;
}

// (B, M/NR, taps, C, NR) -> (B, taps, C, M)
std::vector<Scalar> unpack(const std::vector<Scalar>& packed, const Extents& e, int64_t panel) {
  const int64_t taps = count_of(e.taps);
  const int64_t panels = (e.columns + panel - 1) / panel;
  std::vector<Scalar> plain;
  plain.reserve(e.batch * taps * e.depth * e.columns);
  for (int64_t b = 0; b < e.batch; ++b) {
    for (int64_t kc = 0; kc < taps * e.depth; ++kc) {
      for (int64_t m = 0; m < e.columns; ++m) {
        const int64_t row = (b * panels + m / panel) * taps * e.depth + kc;
        plain.push_back(packed[row * panel + m % panel]);
      }
    }
  }
  return plain;
}

// Adds one tap's products to the sums of all columns.
template <class T>
void add_tap(const Extents& e, const Scalar* x, const Scalar* w, std::vector<T>* sums) {
  const int64_t width = e.columns / e.groups;
  for (int64_t g = 0; g < e.groups; ++g) {
    for (int64_t c = 0; c < e.depth; ++c) {
      const T factor = number_of(x[g * e.depth + c], T{});
      const Scalar* row = w + c * e.columns;
      for (int64_t m = g * width; m < (g + 1) * width; ++m) {
        (*sums)[m] += factor * number_of(row[m], T{});
      }
    }
  }
}

template <class T>
std::vector<Scalar> contract(const Contract& op, const Extents& e, const std::vector<Scalar>& x,
                             const std::vector<Scalar>& w, DType dtype) {
  std::vector<Scalar> result;
  result.reserve(e.batch * e.rows * count_of(e.out) * e.columns);
  const int64_t taps = count_of(e.taps);
  const int64_t image = count_of(e.spatial) * e.channels;
  std::vector<T> sums(e.columns);
  for (int64_t b = 0; b < e.batch; ++b) {
    for (int64_t n = 0; n < e.rows; ++n) {
      const Scalar* image_at = x.data() + (b * e.rows + n) * image;
      for_each_index(e.out, [&](const Index& at) {
        std::fill(sums.begin(), sums.end(), T{});
        const Scalar* tap_at = w.data() + b * taps * e.depth * e.columns;
        for_each_index(e.taps, [&](const Index& tap) {
          int64_t position = 0;
          if (source_of(op.window, at, tap, e.spatial, &position)) {
            add_tap(e, image_at + position * e.channels, tap_at, &sums);
          }
          tap_at += e.depth * e.columns;
        });
        for (const T& sum : sums) {
          Scalar value;
          if constexpr (std::is_same_v<T, double>) {
            value.real = sum;
          } else {
            value.integer = static_cast<int64_t>(sum);
            value = round_to(dtype, value);
          }
          result.push_back(value);
        }
      });
    }
  }
  return result;
}

void apply_epilogue(const ScalarExpr& epilogue, const Tensors& x, const Index& shape,
                    std::vector<Scalar>* sums) {
  std::vector<std::vector<Scalar>> extra;
  std::vector<Index> strides;
  for (size_t k = 2; k < x.size(); ++k) {
    extra.push_back(decode(x[k]));
    strides.push_back(repeating_strides(x[k].shape()));
  }
  std::vector<Scalar> operands(extra.size() + 1);
  size_t i = 0;
  for_each_index(shape, [&](const Index& index) {
    operands[0] = (*sums)[i];
    for (size_t k = 0; k < extra.size(); ++k) {
      operands[k + 1] = extra[k][offset_of(index, strides[k])];
    }
    (*sums)[i++] = evaluate(epilogue, operands);
  });
}

// How many positions of the window along all axes lie inside the padded extent.
int64_t padded_positions(const Window& window, const Index& at, const Index& spatial) {
  int64_t count = 1;
  for (size_t i = 0; i < spatial.size(); ++i) {
    int64_t inside = 0;
    for (int64_t k = 0; k < window.kernel[i]; ++k) {
      const int64_t p =
          at[i] * window.strides[i] + k * window.dilations[i] - window.pad_lo[i].value();
      if (p < spatial[i] + window.pad_hi[i].value()) ++inside;
    }
    count *= inside;
  }
  return count;
}

}  // namespace

TensorData evaluate_contract(const Contract& op, const Tensors& x, const ResultType& type) {
  const Extents e = extents_of(op, x[0], type);
  const std::vector<Scalar> values = decode(x[0]);
  std::vector<Scalar> weights = decode(x[1]);
  if (op.panel) weights = unpack(weights, e, op.panel);
  const DType dtype = x[0].dtype();
  std::vector<Scalar> result =
      op.winograd       ? contract_winograd(op, x[0].shape(), values, weights, type.shape)
      : is_float(dtype) ? contract<double>(op, e, values, weights, dtype)
                        : contract<uint64_t>(op, e, values, weights, dtype);
  if (op.epilogue) apply_epilogue(*op.epilogue, x, type.shape, &result);
  return encode(type.dtype, type.shape, result);
}

TensorData evaluate_pool(const Pool& op, const TensorData& x, const ResultType& type) {
  const Index& shape = x.shape();
  const Index spatial(shape.begin() + 1, shape.end() - 1);
  const Index out(type.shape.begin() + 1, type.shape.end() - 1);
  const int64_t channels = shape.back();
  const bool max = op.kind == PoolKind::kMax;
  Scalar lowest;
  lowest.real = -std::numeric_limits<double>::infinity();
  const Scalar start = max ? cast(lowest, DType::kF64, type.dtype) : Scalar{};
  const ScalarNode step{max ? ScalarOp::kMax : ScalarOp::kAdd, type.dtype, {}, 0, int64_t{0}};
  const std::vector<Scalar> values = decode(x);
  std::vector<Scalar> result;
  for (int64_t n = 0; n < shape.front(); ++n) {
    for_each_index(out, [&](const Index& at) {
      std::vector<Scalar> sums(channels, start);
      int64_t inside = 0;
      for_each_index(op.window.kernel, [&](const Index& tap) {
        int64_t position = 0;
        if (!source_of(op.window, at, tap, spatial, &position)) return;
        ++inside;
        for (int64_t c = 0; c < channels; ++c) {
          const Scalar pair[] = {sums[c],
                                 values[(n * count_of(spatial) + position) * channels + c]};
          sums[c] = evaluate(step, pair, type.dtype);
        }
      });
      const int64_t count = op.kind == PoolKind::kAverageWithPadding
                                ? padded_positions(op.window, at, spatial)
                                : inside;
      if (!max && op.kind != PoolKind::kSum) {
        for (Scalar& sum : sums) sum.real /= static_cast<double>(count);
      }
      result.insert(result.end(), sums.begin(), sums.end());
    });
  }
  return encode(type.dtype, type.shape, result);
}

}  // namespace dovetail::ir
