#include <algorithm>

#include "ir/evaluate_primitives.h"
#include "ir/evaluate_scalar.h"
#include "ir/index_space.h"

namespace dovetail::ir {
namespace {

using Numbers = std::vector<double>;

Numbers numbers_of(const TensorData& data) {
  Numbers numbers;
  for (const Scalar& value : decode(data)) numbers.push_back(value.real);
  return numbers;
}

TensorData tensor_of(DType dtype, std::vector<int64_t> shape, const Numbers& numbers) {
  std::vector<Scalar> values(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) values[i].real = numbers[i];
  return encode(dtype, std::move(shape), values);
}

class RecurrenceRun {
 public:
  RecurrenceRun(const Recurrence& op, const Tensors& x)
      : op_(op),
        dtype_(x[0].dtype()),
        steps_(x[0].shape()[0]),
        rows_(x[0].shape()[1]),
        hidden_(x[2].shape()[1]),
        columns_(x[0].shape()[2]),
        xw_(numbers_of(x[Recurrence::kInputs])),
        r_(numbers_of(x[Recurrence::kWeights])),
        h_(numbers_of(x[Recurrence::kHidden])) {
    if (op.has_cell()) c_ = numbers_of(x[Recurrence::kCell]);
    bias_ = op.linear_before_reset ? numbers_of(x[Recurrence::kBias]) : Numbers(hidden_);
    peepholes_ = op.peepholes ? numbers_of(x[Recurrence::kPeepholes]) : Numbers(3 * hidden_);
    for (int64_t n = 0; n < rows_; ++n) {
      lengths_.push_back(op.lengths ? x[op.lengths_at()].as_int(n) : steps_);
    }
  }

  Tensors run() {
    Numbers y(steps_ * rows_ * hidden_);
    for (int64_t step = 0; step < steps_; ++step) {
      const int64_t t = op_.reverse ? steps_ - 1 - step : step;
      for (int64_t n = 0; n < rows_; ++n) {
        if (t >= lengths_[n]) continue;
        advance(xw_.data() + (t * rows_ + n) * columns_, n);
        std::copy_n(h_.begin() + n * hidden_, hidden_, y.begin() + (t * rows_ + n) * hidden_);
      }
    }
    for (int64_t n = 0; n < rows_; ++n) {
      if (std::min(lengths_[n], steps_) <= 0) forget(n);
    }
    Tensors results = {tensor_of(dtype_, {steps_, rows_, hidden_}, y),
                       tensor_of(dtype_, {rows_, hidden_}, h_)};
    if (op_.has_cell()) results.push_back(tensor_of(dtype_, {rows_, hidden_}, c_));
    return results;
  }

 private:
  // Row n ends without a step: onnxruntime's states are 0 then.
  void forget(int64_t n) {
    for (Numbers* state : {&h_, &c_}) {
      if (!state->empty()) std::fill_n(state->begin() + n * hidden_, hidden_, 0);
    }
  }

  double activate(int which, double x) const {
    Scalar operand;
    operand.real = x;
    return evaluate(op_.activations[which], std::span(&operand, 1)).real;
  }

  // Element (k, gate, unit) of r.
  double weight(int64_t k, int64_t gate, int64_t unit) const {
    if (op_.panel == 0) return r_[k * columns_ + gate * hidden_ + unit];
    const int64_t row = (unit / op_.panel * hidden_ + k) * op_.gates() + gate;
    return r_[row * op_.panel + unit % op_.panel];
  }

  // h r for one gate
  Numbers product(const Numbers& h, int64_t gate) const {
    Numbers sums(hidden_);
    for (int64_t unit = 0; unit < hidden_; ++unit) {
      for (int64_t k = 0; k < hidden_; ++k) sums[unit] += h[k] * weight(k, gate, unit);
    }
    return sums;
  }

  // One step of row n.
  void advance(const double* xw, int64_t n) {
    const Numbers h(h_.begin() + n * hidden_, h_.begin() + (n + 1) * hidden_);
    std::vector<Numbers> a;
    for (int gate = 0; gate < op_.gates(); ++gate) a.push_back(product(h, gate));
    Numbers next(hidden_);
    if (op_.kind == CellKind::kGru) {
      next = gru(xw, h, a);
    } else {
      for (int64_t j = 0; j < hidden_; ++j) {
        next[j] = op_.kind == CellKind::kRnn ? activate(0, xw[j] + a[0][j])
                                             : lstm(xw, a, j, &c_[n * hidden_ + j]);
      }
    }
    std::copy(next.begin(), next.end(), h_.begin() + n * hidden_);
  }

  Numbers gru(const double* xw, const Numbers& h, const std::vector<Numbers>& a) const {
    Numbers z(hidden_);
    Numbers reset(hidden_);
    Numbers product_of_reset(hidden_);
    for (int64_t j = 0; j < hidden_; ++j) {
      z[j] = activate(0, xw[j] + a[0][j]);
      const double s = activate(0, xw[hidden_ + j] + a[1][j]);
      reset[j] = s * h[j];
      product_of_reset[j] = s * (a[2][j] + bias_[j]);
    }
    if (!op_.linear_before_reset) product_of_reset = product(reset, 2);
    Numbers next(hidden_);
    for (int64_t j = 0; j < hidden_; ++j) {
      const double m = activate(1, xw[2 * hidden_ + j] + product_of_reset[j]);
      next[j] = (1 - z[j]) * m + z[j] * h[j];
    }
    return next;
  }

  double lstm(const double* xw, const std::vector<Numbers>& a, int64_t j, double* c) const {
    const auto sum = [&](int gate) { return xw[gate * hidden_ + j] + a[gate][j]; };
    const auto peephole = [&](int which) { return peepholes_[which * hidden_ + j]; };
    const double i = activate(0, sum(0) + peephole(0) * *c);
    const double f = op_.coupled ? 1 - i : activate(0, sum(2) + peephole(2) * *c);
    *c = f * *c + i * activate(1, sum(3));
    return activate(0, sum(1) + peephole(1) * *c) * activate(2, *c);
  }

  const Recurrence& op_;
  DType dtype_;
  int64_t steps_, rows_, hidden_, columns_;
  Numbers xw_, r_, h_, c_, bias_, peepholes_;
  std::vector<int64_t> lengths_;
};

}  // namespace

Tensors evaluate_recurrence(const Recurrence& op, const Tensors& x) {
  return RecurrenceRun(op, x).run();
}

}  // namespace dovetail::ir
