#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace dovetail {
namespace {

using namespace std::string_literals;

TEST(Utf8, LengthOfTheFirstCharacter) {
  EXPECT_EQ(utf8_length("a\xc3\xa9"), 1);
  EXPECT_EQ(utf8_length("\xc3\xa9("), 2);
  EXPECT_EQ(utf8_length("\xe2\x82\xac"), 3);
  EXPECT_EQ(utf8_length("\xf0\x9f\x98\x80"), 4);
  EXPECT_EQ(utf8_length("\0"s), 1);
}

TEST(Utf8, NoCharacterIsNone) {
  EXPECT_EQ(utf8_length(""), 0);
  for (const char* bad :
       {"\x80", "\xc3", "\xc3(", "\xe2\x82", "\xff", "\xf5\x80\x80\x80", "\xc0\x80", "\xe0\x80\x80",
        "\xf0\x80\x80\x80",                     // longer than need be
        "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {  // half a pair, beyond the last
    EXPECT_EQ(utf8_length(bad), 0) << escaped(bad);
    EXPECT_FALSE(is_text("a"s + bad));
  }
}

TEST(Utf8, TextHasNoNul) {
  EXPECT_TRUE(is_text(""));
  EXPECT_TRUE(is_text("\xc3\xa9/:.= "));
  EXPECT_FALSE(is_text("a\0b"s));
  EXPECT_EQ(escaped("a\0\xc3\xa9\xff"s), "a\\x00\xc3\xa9\\xff");
}

}  // namespace
}  // namespace dovetail
