#include "machine_peak.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace dovetail::tool {
namespace {

using Clock = std::chrono::steady_clock;

// Enough independent sums to fill two pipelines of four cycles, and registers to hold them. None
// can be left out: floats are not regrouped.
constexpr int kSums = 10;
constexpr int kRounds = 20000;

struct Lanes4 {
  using Vector [[gnu::vector_size(16)]] = float;
};
struct Lanes8 {
  using Vector [[gnu::vector_size(32)]] = float;
};
struct Lanes16 {
  using Vector [[gnu::vector_size(64)]] = float;
};

// Constant indices, so that the sums stay in registers.
template <class Lanes, size_t... k>
[[gnu::always_inline]] inline float multiply_add(float factor, std::index_sequence<k...>) {
  using Vector = typename Lanes::Vector;
  const Vector x = factor - Vector{};
  Vector sums[] = {(x + static_cast<float>(k))...};
  for (int round = 0; round < kRounds; ++round) ((sums[k] = sums[k] * x + x), ...);
  return (sums[k][0] + ...);
}

using Sums = std::make_index_sequence<kSums>;

struct Level {
  int lanes;
  float (*run)(float factor);
};

#if defined(__x86_64__)
[[gnu::target("avx512f")]] float wide(float factor) {
  return multiply_add<Lanes16>(factor, Sums());
}
[[gnu::target("avx2,fma")]] float middle(float factor) {
  return multiply_add<Lanes8>(factor, Sums());
}
float narrow(float factor) { return multiply_add<Lanes4>(factor, Sums()); }

Level best_level() {
  if (__builtin_cpu_supports("avx512f")) return {16, wide};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {8, middle};
  return {4, narrow};
}
#else
float narrow(float factor) { return multiply_add<Lanes4>(factor, Sums()); }
Level best_level() { return {4, narrow}; }
#endif

// Seconds that `work` takes on every thread at once, the best of several tries.
double seconds(int threads, const std::function<void(int thread)>& work) {
  double best = 1e9;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto begin = Clock::now();
    std::vector<std::thread> others;
    for (int k = 1; k < threads; ++k) others.emplace_back(work, k);
    work(0);
    for (std::thread& thread : others) thread.join();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

}  // namespace

MachinePeak measure_peak(int threads) {
  const Level level = best_level();
  constexpr int kRepeats = 50;
  const double compute = seconds(threads, [&](int) {
    volatile float factor = 0.5f;
    for (int k = 0; k < kRepeats; ++k) factor = 0.5f + 0 * level.run(factor);
  });
  const size_t bytes =
      std::max<size_t>((size_t{256} << 20) / static_cast<size_t>(threads), 8 << 20);
  std::vector<std::vector<std::byte>> from(threads, std::vector<std::byte>(bytes));
  auto to = from;
  const double copy = seconds(
      threads, [&](int thread) { std::memcpy(to[thread].data(), from[thread].data(), bytes); });
  const double operations = 2.0 * level.lanes * kSums * kRounds * kRepeats * threads;
  return {operations / compute * 1e-9, 2.0 * static_cast<double>(bytes) * threads / copy * 1e-9};
}

}  // namespace dovetail::tool
