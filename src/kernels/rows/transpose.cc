#include "kernels/rows/transpose.h"

namespace dovetail::kernels::rows {

// Round `step` exchanges, in every pair of rows i and i + step, the lanes with that bit set of the
// first with those without it of the second: bit `step` of row and lane change places.
std::vector<loop::Value> transpose(loop::Builder& b, std::vector<loop::Value> rows) {
  const int n = static_cast<int>(rows.size());
  for (int step = 1; step < n; step *= 2) {
    std::vector<int32_t> low(n), high(n);
    for (int lane = 0; lane < n; ++lane) {
      const bool set = (lane & step) != 0;
      low[lane] = set ? n + lane - step : lane;
      high[lane] = set ? n + lane : lane + step;
    }
    for (int i = 0; i < n; ++i) {
      if (i & step) continue;
      const loop::Value first = rows[i];
      const loop::Value second = rows[i + step];
      rows[i] = b.shuffle(first, second, low);
      rows[i + step] = b.shuffle(first, second, high);
    }
  }
  return rows;
}

}  // namespace dovetail::kernels::rows
