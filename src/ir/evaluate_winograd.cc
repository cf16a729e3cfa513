#include "ir/evaluate_winograd.h"

#include <algorithm>

#include "ir/index_space.h"
#include "ir/winograd.h"

namespace dovetail::ir {
namespace {

using Matrix = std::vector<double>;  // row-major

// m x m^T where m (rows x n) and x (n x n)
Matrix sandwich(const Matrix& m, int rows, int n, const Matrix& x) {
  Matrix half(rows * n);
  Matrix result(rows * rows);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < n; ++j) {
      for (int k = 0; k < n; ++k) half[i * n + j] += m[i * n + k] * x[k * n + j];
    }
    for (int j = 0; j < rows; ++j) {
      for (int k = 0; k < n; ++k) result[i * rows + j] += half[i * n + k] * m[j * n + k];
    }
  }
  return result;
}

class Tiles {
 public:
  Tiles(const Contract& op, std::vector<int64_t> x_shape, const std::vector<Scalar>& x,
        const std::vector<Scalar>& w, std::vector<int64_t> shape)
      : window_(op.window),
        transform_(winograd_transform(op.winograd)),
        x_shape_(std::move(x_shape)),
        x_(x),
        w_(w),
        shape_(std::move(shape)),
        result_(count_of(shape_)) {}

  std::vector<Scalar> run() {
    const int64_t t = transform_.tile;
    for_each_index({shape_[0], (shape_[1] + t - 1) / t, (shape_[2] + t - 1) / t},
                   [&](const std::vector<int64_t>& at) { tile(at[0], at[1] * t, at[2] * t); });
    return std::move(result_);
  }

 private:
  // The patch of one channel that a tile reads; 0 outside of x.
  Matrix patch(int64_t image, int64_t row, int64_t column, int64_t channel) const {
    Matrix result;
    for (int i = 0; i < transform_.points; ++i) {
      for (int j = 0; j < transform_.points; ++j) {
        const int64_t y = row + i - window_.pad_lo[0].value();
        const int64_t x = column + j - window_.pad_lo[1].value();
        const bool inside = y >= 0 && y < x_shape_[1] && x >= 0 && x < x_shape_[2];
        const int64_t pixel = (image * x_shape_[1] + y) * x_shape_[2] + x;
        result.push_back(inside ? x_[pixel * x_shape_[3] + channel].real : 0);
      }
    }
    return result;
  }

  void tile(int64_t image, int64_t row, int64_t column) {
    const int n = transform_.points;
    const int64_t channels = x_shape_[3];
    const int64_t columns = shape_[3];
    std::vector<Matrix> sums(columns, Matrix(n * n));
    for (int64_t c = 0; c < channels; ++c) {
      const Matrix v = sandwich(transform_.input, n, n, patch(image, row, column, c));
      for (int p = 0; p < n * n; ++p) {
        for (int64_t m = 0; m < columns; ++m) {
          sums[m][p] += v[p] * w_[(p * channels + c) * columns + m].real;
        }
      }
    }
    for (int64_t m = 0; m < columns; ++m) {
      const Matrix y = sandwich(transform_.output, transform_.tile, n, sums[m]);
      for (int64_t i = row; i < std::min(row + transform_.tile, shape_[1]); ++i) {
        for (int64_t j = column; j < std::min(column + transform_.tile, shape_[2]); ++j) {
          const int64_t pixel = (image * shape_[1] + i) * shape_[2] + j;
          result_[pixel * columns + m].real = y[(i - row) * transform_.tile + j - column];
        }
      }
    }
  }

  const Window& window_;
  WinogradTransform transform_;
  std::vector<int64_t> x_shape_;
  const std::vector<Scalar>& x_;
  const std::vector<Scalar>& w_;
  std::vector<int64_t> shape_;
  std::vector<Scalar> result_;
};

}  // namespace

std::vector<Scalar> contract_winograd(const Contract& op, const std::vector<int64_t>& x_shape,
                                      const std::vector<Scalar>& x, const std::vector<Scalar>& w,
                                      const std::vector<int64_t>& shape) {
  return Tiles(op, x_shape, x, w, shape).run();
}

}  // namespace dovetail::ir
