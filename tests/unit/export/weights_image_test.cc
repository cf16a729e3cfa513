#include <gtest/gtest.h>

#include <cstring>

#include "export/export.h"

namespace dovetail::exporter {
namespace {

ir::TensorData floats(const std::vector<float>& values) {
  return ir::TensorData::of(ir::DType::kF32, {static_cast<int64_t>(values.size())}, values);
}

TEST(WeightsImage, TensorsAreAlignedAndEqualOnesStoredOnce) {
  WeightsImage image;
  EXPECT_EQ(image.add(floats({1, 2, 3})), 0);
  EXPECT_EQ(image.add(floats({4})), 64);
  EXPECT_EQ(image.add(floats({1, 2, 3})), 0);
  EXPECT_EQ(image.add(floats(std::vector<float>(17, 5.0f))), 128);
  EXPECT_EQ(image.size(), 256);
  std::vector<std::byte> written;
  image.visit([&](std::span<const std::byte> bytes) {
    written.insert(written.end(), bytes.begin(), bytes.end());
  });
  ASSERT_EQ(written.size(), 256u);
  float value = 0;
  std::memcpy(&value, written.data() + 64, sizeof(value));
  EXPECT_EQ(value, 4.0f);
}

TEST(WeightsImage, HashFollowsTheContent) {
  WeightsImage a, b, c;
  a.add(floats({1, 2}));
  b.add(floats({1, 2}));
  c.add(floats({1, 3}));
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_NE(a.hash(), c.hash());
}

}  // namespace
}  // namespace dovetail::exporter
