#include "ir/dim.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/error.h"

namespace dovetail::ir {
namespace {

const Dim n = Dim::symbol("n"), m = Dim::symbol("m");

using Values = std::map<std::string, int64_t>;

// An expression beside what computes it on numbers.
struct Pair {
  Dim dim;
  std::function<int64_t(const Values&)> value;
};

int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

class RandomDims {
 public:
  explicit RandomDims(unsigned seed) : random_(seed) {}

  Pair make(int depth) {
    if (depth == 0 || upto(5) == 0) return leaf();
    const Pair a = make(depth - 1), b = make(depth - 1);
    switch (upto(8)) {
      case 0:
        return {a.dim + b.dim, [=](const Values& v) { return a.value(v) + b.value(v); }};
      case 1:
        return {a.dim - b.dim, [=](const Values& v) { return a.value(v) - b.value(v); }};
      case 2: {
        const int64_t by = upto(7) - 3;
        return {a.dim * Dim(by), [=](const Values& v) { return a.value(v) * by; }};
      }
      case 3: {
        const int64_t by = 1 + upto(4);
        return {floordiv(a.dim, by), [=](const Values& v) { return floor_of(a.value(v), by); }};
      }
      case 4: {
        const int64_t by = 1 + upto(4);
        return {mod(a.dim, by),
                [=](const Values& v) { return a.value(v) - by * floor_of(a.value(v), by); }};
      }
      case 5:
        return {min(a.dim, b.dim),
                [=](const Values& v) { return std::min(a.value(v), b.value(v)); }};
      case 6:
        return {max(a.dim, b.dim),
                [=](const Values& v) { return std::max(a.value(v), b.value(v)); }};
      default:
        return {select_ge(a.dim, b.dim, a.dim, Dim(0)),
                [=](const Values& v) { return a.value(v) >= b.value(v) ? a.value(v) : 0; }};
    }
  }

 private:
  int64_t upto(int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(random_); }

  Pair leaf() {
    if (upto(2) == 0) {
      const int64_t number = upto(9) - 4;
      return {number, [=](const Values&) { return number; }};
    }
    const std::string name = upto(2) == 0 ? "n" : "m";
    return {Dim::symbol(name), [=](const Values& v) { return v.at(name); }};
  }

  std::mt19937 random_;
};

TEST(Dim, SimplifyingKeepsTheValue) {
  RandomDims random(1);
  for (int k = 0; k < 4000; ++k) {
    const Pair pair = random.make(4);
    const Bounds bounds = pair.dim.bounds({{"n", {0, 9}}, {"m", {2, 5}}});
    for (const Values& values : {Values{{"n", 0}, {"m", 3}},
                                 {{"n", 1}, {"m", 5}},
                                 {{"n", 4}, {"m", 2}},
                                 {{"n", 9}, {"m", 4}}}) {
      const int64_t value = pair.value(values);
      ASSERT_EQ(pair.dim.evaluate(values), value) << pair.dim << " at n = " << values.at("n");
      ASSERT_TRUE(bounds.min <= value && value <= bounds.max) << pair.dim;
      const Dim at_n = pair.dim.replace(n, values.at("n"));
      ASSERT_EQ(at_n.replace(m, values.at("m")), Dim(value)) << pair.dim;
    }
  }
}

TEST(Dim, EqualExpressionsAreOne) {
  EXPECT_EQ((n + 1) * (n - 1), n * n - 1);
  EXPECT_EQ(floordiv(n * 6 + 3, 3), n * 2 + 1);
  EXPECT_EQ(floordiv(floordiv(n, 2), 3), floordiv(n, 6));
  EXPECT_EQ(mod(n * 4 + m, 4), mod(m, 4));
  EXPECT_EQ(floordiv((n + m) * n, n + m), n);
  EXPECT_EQ(max(n + 2, n), n + 2);
  EXPECT_EQ(min(n, m), min(m, n));
  EXPECT_EQ(select_ge(n, 0, m, 7), m);
}

// The lengths of the two parts that an axis is cut into, as torch.roll writes it.
TEST(Dim, AMinimumAndAMaximumThatPartASum) {
  EXPECT_EQ(min(n, 3) + max(n - 3, 0), n);
  EXPECT_EQ(max(n - m, 0) + min(n, m), n);
  EXPECT_EQ(min(n, m) + max(n, m), n + m);
  EXPECT_EQ(min(n, 3) * 2 + max(n - 3, 0) * 2 + m, n * 2 + m);
  EXPECT_EQ(min(n, 3) * 3 + max(n - 3, 0), n + min(n, 3) * 2);
  EXPECT_EQ(-min(n, 3) - max(n - 3, 0), -n);
  EXPECT_EQ((min(n, 3) - max(n - 3, 0)).to_string(), "min(n, 3) - max(0, n - 3)");
  EXPECT_EQ((min(n, 3) + max(n - 4, 0)).to_string(), "min(n, 3) + max(0, n - 4)");
}

TEST(Dim, WhatDoesNotFitIsRefused) {
  const auto kind_of = [](const std::function<void()>& make) {
    try {
      make();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of([] { (void)(Dim(INT64_MAX) + 1); }), ErrorKind::kValue);
  EXPECT_EQ(kind_of([] { (void)(n * INT64_MAX * 2); }), ErrorKind::kValue);
  EXPECT_EQ(kind_of([] { (void)floordiv(n, 0); }), ErrorKind::kValue);
  EXPECT_EQ(kind_of([] { (void)n.evaluate({{"m", 1}}); }), ErrorKind::kValue);
  EXPECT_EQ(kind_of([] {
              Dim twice = n;
              for (int k = 0; k < 40; ++k) twice = twice + max(m, twice - 1 - k);
            }),
            ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace dovetail::ir
