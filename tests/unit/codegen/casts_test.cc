// Casts between all types at every CPU level, against C++ and, for half precision, against the
// nearest of all candidates.
#include "ir/float16.h"
#include "kernels_for_tests.h"

namespace dovetail::codegen {
namespace {

using ir::DType;

class Casts : public OnEveryLevel {};

constexpr int kLanes[] = {1, 4, 16};

template <class To, class From>
To expected(From value) {
  if constexpr (std::is_same_v<To, bool>) return value != From{0};
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(value)) return 0;
    // Both ends are powers of two, which every From holds.
    const From below = -std::ldexp(From{1}, Limits::digits);
    if (value >= std::ldexp(From{1}, Limits::digits)) return Limits::max();
    if (std::is_signed_v<To> ? value <= below : value <= From{0}) return Limits::min();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

// The half precision number next to `value`; ties go to the even one. Infinity stands for the
// number that would follow the largest.
uint16_t nearest_half(long double value, DType dtype) {
  if (std::isnan(value)) return dtype == DType::kF16 ? 0x7e00 : 0x7fc0;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const uint16_t infinity = dtype == DType::kF16 ? 0x7c00 : 0x7f80;
  const auto number = [&](int bits) -> long double {
    if (bits == infinity) return dtype == DType::kF16 ? 65536.0L : 0x1p128L;
    return dtype == DType::kF16 ? ir::half_to_float(static_cast<uint16_t>(bits))
                                : ir::bfloat16_to_float(static_cast<uint16_t>(bits));
  };
  const long double magnitude = std::fabs(value);
  int low = 0;
  int high = infinity;  // number(low) <= magnitude
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    (number(middle) <= magnitude ? low : high) = number(middle) <= magnitude ? middle : middle - 1;
  }
  if (low == infinity) return sign | infinity;
  const long double down = magnitude - number(low);
  const long double up = number(low + 1) - magnitude;
  const bool next = up < down || (up == down && low % 2 != 0);
  return static_cast<uint16_t>(sign | (next ? low + 1 : low));
}

bool is_nan_half(uint16_t bits, DType dtype) {
  return (bits & 0x7fff) > (dtype == DType::kF16 ? 0x7c00 : 0x7f80);
}

// Edges of From, and neighbours of what half precision rounds.
template <class From>
std::vector<From> values_to_cast() {
  std::vector<From> values = edges<From>();
  if constexpr (std::is_floating_point_v<From>) {
    for (const double tie : {1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1p-8, 1 + 0x3p-8, 0x1p-25, 0x3p-25,
                             65520.0, 0x1.ffp127, 0x1.feffffffp127}) {
      for (const double nudge : {-0x1p-40, 0.0, 0x1p-40}) {
        values.push_back(static_cast<From>(tie * (1 + nudge)));
        values.push_back(-static_cast<From>(tie * (1 + nudge)));
      }
    }
  } else if constexpr (sizeof(From) >= 4) {
    using Unsigned = std::make_unsigned_t<From>;
    for (int shift = 12; shift < std::numeric_limits<From>::digits; ++shift) {
      const auto tie = static_cast<Unsigned>((Unsigned{0x101} << shift) >> 8);
      for (const int nudge : {-1, 0, 1}) {
        values.push_back(static_cast<From>(tie + static_cast<Unsigned>(nudge)));
        values.push_back(static_cast<From>(0 - (tie + static_cast<Unsigned>(nudge))));
      }
    }
  }
  values.resize((values.size() + 15) / 16 * 16, From{1});
  return values;
}

std::string name_of_cast(DType to, int lanes) {
  return std::string(ir::name_of(to)) + "_" + std::to_string(lanes);
}

loop::Module casts_from(DType from, const std::vector<DType>& targets, const ir::CpuLevel& level) {
  loop::Module module;
  for (const DType to : targets) {
    for (const int lanes : kLanes) {
      module.functions.push_back(at_level(
          array_function(name_of_cast(to, lanes), {from}, lanes,
                         [&](loop::Builder& b, const auto& x) { return b.cast(x[0], to); }),
          level));
    }
  }
  return module;
}

const std::vector<DType> kTargets = {DType::kF32, DType::kF64, DType::kI8,  DType::kI16,
                                     DType::kI32, DType::kI64, DType::kU8,  DType::kU16,
                                     DType::kU32, DType::kU64, DType::kBool};

template <class From, class To>
void check_cast(const HostCode& code, const std::vector<From>& values) {
  if (std::is_same_v<From, To>) return;
  for (const int lanes : kLanes) {
    std::vector<uint8_t> bytes(values.size() * sizeof(To), 0xcc);
    code.function<ArrayFunction>(name_of_cast(dtype_of<To>(), lanes))(
        values.data(), nullptr, nullptr, bytes.data(), static_cast<int64_t>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      To result;
      std::memcpy(&result, bytes.data() + i * sizeof(To), sizeof(To));
      const To wanted = expected<To>(values[i]);
      EXPECT_TRUE(same(result, wanted))
          << ir::name_of(dtype_of<From>()) << " " << +values[i] << " to "
          << name_of_cast(dtype_of<To>(), lanes) << " gave " << +result << ", not " << +wanted;
    }
  }
}

TEST_P(Casts, BetweenNumbers) {
  for_each_type([&](auto from) {
    using From = decltype(from);
    const std::vector<From> values = values_to_cast<From>();
    const HostCode code(casts_from(dtype_of<From>(), kTargets, level_));
    for_each_type([&](auto to) { check_cast<From, decltype(to)>(code, values); });
    check_cast<From, bool>(code, values);
  });
}

TEST_P(Casts, OfBools) {
  // Every byte but 0 is true.
  const std::vector<uint8_t> values = {0, 1, 2, 255, 0, 0, 128, 1, 1, 1, 1, 0, 0, 7, 0, 1};
  const HostCode code(casts_from(DType::kBool, kTargets, level_));
  for (const int lanes : kLanes) {
    std::vector<float> floats(values.size());
    std::vector<int64_t> integers(values.size());
    const auto call = [&](DType to, void* result) {
      code.function<ArrayFunction>(name_of_cast(to, lanes))(values.data(), nullptr, nullptr, result,
                                                            static_cast<int64_t>(values.size()));
    };
    call(DType::kF32, floats.data());
    call(DType::kI64, integers.data());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(floats[i], values[i] ? 1.0f : 0.0f);
      EXPECT_EQ(integers[i], values[i] ? 1 : 0);
    }
  }
}

TEST_P(Casts, ToHalfRoundOnce) {
  for_each_type([&](auto from) {
    using From = decltype(from);
    const std::vector<From> values = values_to_cast<From>();
    const HostCode code(casts_from(dtype_of<From>(), {DType::kF16, DType::kBF16}, level_));
    for (const DType to : {DType::kF16, DType::kBF16}) {
      for (const int lanes : kLanes) {
        std::vector<uint16_t> result(values.size());
        code.function<ArrayFunction>(name_of_cast(to, lanes))(
            values.data(), nullptr, nullptr, result.data(), static_cast<int64_t>(values.size()));
        for (size_t i = 0; i < values.size(); ++i) {
          const uint16_t wanted = nearest_half(static_cast<long double>(values[i]), to);
          if (is_nan_half(wanted, to) && is_nan_half(result[i], to)) continue;
          EXPECT_EQ(result[i], wanted) << ir::name_of(dtype_of<From>()) << " " << +values[i]
                                       << " to " << name_of_cast(to, lanes);
        }
      }
    }
  });
}

TEST_P(Casts, FromEveryHalf) {
  std::vector<uint16_t> values(65536);
  for (int i = 0; i < 65536; ++i) values[i] = static_cast<uint16_t>(i);
  for (const DType from : {DType::kF16, DType::kBF16}) {
    const HostCode code(casts_from(from, {DType::kF32, DType::kF64, DType::kI32}, level_));
    for (const int lanes : kLanes) {
      std::vector<float> floats(values.size());
      std::vector<double> doubles(values.size());
      std::vector<int32_t> integers(values.size());
      const auto call = [&](DType to, void* result) {
        code.function<ArrayFunction>(name_of_cast(to, lanes))(values.data(), nullptr, nullptr,
                                                              result, 65536);
      };
      call(DType::kF32, floats.data());
      call(DType::kF64, doubles.data());
      call(DType::kI32, integers.data());
      int wrong = 0;
      for (int i = 0; i < 65536 && wrong < 3; ++i) {
        const float wanted =
            from == DType::kF16 ? ir::half_to_float(values[i]) : ir::bfloat16_to_float(values[i]);
        const bool good = same(floats[i], wanted) &&
                          same(doubles[i], static_cast<double>(wanted)) &&
                          integers[i] == expected<int32_t>(wanted);
        wrong += !good;
        EXPECT_TRUE(good) << ir::name_of(from) << " bits " << i << " lanes " << lanes;
      }
    }
  }
}

TEST_P(Casts, ConstantsOfHalfRoundOnce) {
  loop::Builder b("constants", loop::Convention::kPlain);
  const loop::Value out = b.pointer_parameter("out");
  const std::vector<double> values = {1.5, 1 + 0x1p-11 + 0x1p-40, 65519.0, 65520.0, 1e-8, -3.14159};
  for (size_t i = 0; i < values.size(); ++i) {
    b.store(b.constant(values[i], loop::scalar(DType::kF16)), out, b.constant(int64_t(4 * i)));
    b.store(b.constant(values[i], loop::scalar(DType::kBF16)), out, b.constant(int64_t(4 * i + 2)));
  }
  loop::Module module;
  module.functions.push_back(at_level(b.finish(), level_));
  std::vector<uint16_t> result(2 * values.size());
  HostCode(module).function<void(void*)>("constants")(result.data());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(result[2 * i], nearest_half(values[i], DType::kF16)) << values[i];
    EXPECT_EQ(result[2 * i + 1], nearest_half(values[i], DType::kBF16)) << values[i];
  }
}

DOVETAIL_ON_EVERY_LEVEL(Casts);

}  // namespace
}  // namespace dovetail::codegen
