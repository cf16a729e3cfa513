#include "ir/winograd.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace dovetail::ir {
namespace {

class WinogradTransforms : public ::testing::TestWithParam<int> {
 protected:
  WinogradTransform transform_ = winograd_transform(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Tiles, WinogradTransforms, ::testing::Values(2, 4));

// y[k] = sum over j of d[k + j] g[j], for every pair of unit vectors d and g.
TEST_P(WinogradTransforms, GiveTheSlidingSumInOneDimension) {
  const auto [tile, points, input, weights, output] = transform_;
  for (int k = 0; k < tile; ++k) {
    for (int d = 0; d < points; ++d) {
      for (int g = 0; g < 3; ++g) {
        double y = 0;
        for (int p = 0; p < points; ++p) {
          y += output[k * points + p] * weights[p * 3 + g] * input[p * points + d];
        }
        EXPECT_NEAR(y, d == k + g ? 1 : 0, 1e-15) << "y" << k << " of d" << d << " and g" << g;
      }
    }
  }
}

TEST_P(WinogradTransforms, OfInputAndOutputAreExactInFloat32) {
  for (const double entry : transform_.input) EXPECT_EQ(static_cast<float>(entry), entry);
  for (const double entry : transform_.output) EXPECT_EQ(static_cast<float>(entry), entry);
}

TEST_P(WinogradTransforms, OfWeightsIsTheProductOfItsTwoDirections) {
  const std::vector<double> both = winograd_weights(transform_);
  const std::vector<double>& one = transform_.weights;
  const int n = transform_.points;
  ASSERT_EQ(both.size(), static_cast<size_t>(n * n * 9));
  EXPECT_EQ(both[(n + 2) * 9 + 2], one[3] * one[2 * 3 + 2]);
}

TEST(WinogradTransform, OtherTilesDoNotExist) { EXPECT_THROW(winograd_transform(6), Error); }

}  // namespace
}  // namespace dovetail::ir
