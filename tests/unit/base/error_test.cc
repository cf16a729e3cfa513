#include "base/error.h"

#include <gtest/gtest.h>

namespace dovetail {
namespace {

TEST(Error, CarriesKindAndFormattedText) {
  try {
    throw_error(ErrorKind::kValue, "{} has {} dimensions, expected {}", "x", 3, 4);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    EXPECT_STREQ(error.what(), "x has 3 dimensions, expected 4");
    return;
  }
  FAIL() << "throw_error returned";
}

TEST(Error, BrokenInvariantIsOurBug) {
  try {
    DOVETAIL_CHECK(1 + 1 == 3, "sum is {}", 2);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_STREQ(error.what(), "sum is 2");
    return;
  }
  FAIL() << "the check passed";
}

}  // namespace
}  // namespace dovetail
