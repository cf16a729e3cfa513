#include "kernels/winograd/transform.h"

#include <algorithm>

namespace dovetail::kernels {

using loop::Value;

// A term of factor 1 begins the sum, so that all others are fused multiply-adds.
Value TransformCode::sum_of(const std::vector<Term>& terms) {
  const auto first =
      std::find_if(terms.begin(), terms.end(), [](const Term& term) { return term.factor == 1; });
  Value sum = first != terms.end() ? first->value : Value();
  for (auto term = terms.begin(); term != terms.end(); ++term) {
    if (term == first || term->factor == 0) continue;
    if (!sum.valid()) {
      sum = term->value * term->factor;
    } else if (term->factor == 1) {
      sum = sum + term->value;
    } else if (term->factor == -1) {
      sum = sum - term->value;
    } else {
      sum = code_.fma(term->value, loop::constant_like(sum, term->factor), sum);
    }
  }
  return sum;
}

// B^T d. The rows of the points p and -p have equal even entries and opposite odd ones.
std::vector<Value> TransformCode::input_line(const std::vector<Value>& d) {
  const int n = points();
  const auto terms = [&](int row, int begin, double scale) {
    std::vector<Term> result;
    for (int k = begin; k < n; k += 2) {
      result.push_back({transform_.input[row * n + k] / scale, d[k]});
    }
    return result;
  };
  std::vector<Value> result(n);
  result[0] = sum_of(terms(0, 0, 1));
  result[n - 1] = sum_of(terms(n - 1, 1, 1));
  for (int row = 1; row + 1 < n; row += 2) {
    const int last_odd = n - 3;
    const double scale = transform_.input[row * n + last_odd];
    const Value even = sum_of(terms(row, 0, 1));
    const Value odd = sum_of(terms(row, 1, scale));
    result[row] = sum_of({{1, even}, {scale, odd}});
    result[row + 1] = sum_of({{1, even}, {-scale, odd}});
  }
  return result;
}

// A^T m. In even rows the points p and -p have equal entries, in odd rows opposite ones.
std::vector<Value> TransformCode::output_line(const std::vector<Value>& m) {
  const int n = points();
  std::vector<Value> sums(n);
  std::vector<Value> differences(n);
  for (int k = 1; k + 1 < n; k += 2) {
    sums[k] = m[k] + m[k + 1];
    differences[k] = m[k] - m[k + 1];
  }
  std::vector<Value> result;
  for (int row = 0; row < tile(); ++row) {
    const double* factors = &transform_.output[row * n];
    std::vector<Term> terms = {{factors[0], m[0]}, {factors[n - 1], m[n - 1]}};
    for (int k = 1; k + 1 < n; k += 2) {
      terms.push_back({factors[k], row % 2 == 0 ? sums[k] : differences[k]});
    }
    result.push_back(sum_of(terms));
  }
  return result;
}

void TransformCode::input(const Load& load,
                          const std::function<void(int, int, const Value&)>& store) {
  const int n = points();
  std::vector<std::vector<Value>> columns;
  for (int j = 0; j < n; ++j) {
    std::vector<Value> column;
    for (int i = 0; i < n; ++i) column.push_back(load(i, j));
    columns.push_back(input_line(column));
  }
  for (int i = 0; i < n; ++i) {
    std::vector<Value> line;
    for (int j = 0; j < n; ++j) line.push_back(columns[j][i]);
    line = input_line(line);
    for (int j = 0; j < n; ++j) store(i, j, line[j]);
  }
}

void TransformCode::output(const Load& load, const std::function<void(int, const Line&)>& row) {
  const int n = points();
  std::vector<std::vector<Value>> columns;
  for (int j = 0; j < n; ++j) {
    std::vector<Value> column;
    for (int i = 0; i < n; ++i) column.push_back(load(i, j));
    columns.push_back(output_line(column));
  }
  for (int i = 0; i < tile(); ++i) {
    row(i, [&] {
      std::vector<Value> line;
      for (int j = 0; j < n; ++j) line.push_back(columns[j][i]);
      return output_line(line);
    });
  }
}

}  // namespace dovetail::kernels
