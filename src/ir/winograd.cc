#include "ir/winograd.h"

#include "base/error.h"

namespace dovetail::ir {
namespace {

constexpr int kTaps = 3;

// Coefficients, lowest first, of the product of (x - point) over all points but `left_out`.
std::vector<double> product_of_roots(const std::vector<double>& points, size_t left_out) {
  std::vector<double> polynomial = {1};
  for (size_t k = 0; k < points.size(); ++k) {
    if (k == left_out) continue;
    polynomial.push_back(0);
    for (size_t i = polynomial.size(); i-- > 0;) {
      polynomial[i] = (i > 0 ? polynomial[i - 1] : 0) - points[k] * polynomial[i];
    }
  }
  return polynomial;
}

double value_at(const std::vector<double>& polynomial, double x) {
  double value = 0;
  for (size_t i = polynomial.size(); i-- > 0;) value = value * x + polynomial[i];
  return value;
}

}  // namespace

WinogradTransform winograd_transform(int tile) {
  DOVETAIL_CHECK(tile == 2 || tile == 4, "there is no Winograd transform of {} x {} tiles", tile,
                 tile);
  std::vector<double> points = {0, 1, -1};
  if (tile == 4) points = {0, 0.625, -0.625, 1.5, -1.5};
  const int n = tile + kTaps - 1;
  WinogradTransform result{tile, n, std::vector<double>(n * n), std::vector<double>(n * kTaps),
                           std::vector<double>(tile * n)};
  for (int i = 0; i < n - 1; ++i) {
    const std::vector<double> basis = product_of_roots(points, i);
    for (size_t k = 0; k < basis.size(); ++k) result.input[i * n + k] = basis[k];
    double power = 1;
    for (int k = 0; k < n; ++k, power *= points[i]) {
      if (k < kTaps) result.weights[i * kTaps + k] = power / value_at(basis, points[i]);
      if (k < tile) result.output[k * n + i] = power;
    }
  }
  const std::vector<double> basis = product_of_roots(points, points.size());
  for (int k = 0; k < n; ++k) result.input[(n - 1) * n + k] = basis[k];
  result.weights[(n - 1) * kTaps + kTaps - 1] = 1;
  result.output[(tile - 1) * n + n - 1] = 1;
  return result;
}

std::vector<double> winograd_weights(const WinogradTransform& transform) {
  std::vector<double> result;
  for (int a = 0; a < transform.points; ++a) {
    for (int b = 0; b < transform.points; ++b) {
      for (int i = 0; i < kTaps; ++i) {
        for (int j = 0; j < kTaps; ++j) {
          result.push_back(transform.weights[a * kTaps + i] * transform.weights[b * kTaps + j]);
        }
      }
    }
  }
  return result;
}

}  // namespace dovetail::ir
