// Repeating something until its median can be trusted.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace dovetail::tool {

using Clock = std::chrono::steady_clock;

inline double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

inline double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

// Runs for 200 ms unheard, then at least 10 times and 1 s.
inline void repeat(const std::function<void()>& run, const std::function<void()>& hear) {
  for (const auto warm_up = Clock::now(); milliseconds_since(warm_up) < 200;) run();
  const auto start = Clock::now();
  for (int runs = 0; runs < 10 || milliseconds_since(start) < 1000; ++runs) {
    run();
    hear();
  }
}

}  // namespace dovetail::tool
