// What this machine can do at best, measured on the spot.
#pragma once

namespace dovetail::tool {

struct MachinePeak {
  double gflops = 0;  // 10^9 operations on float32 a second: fused multiply-adds, two each
  double gbytes = 0;  // 10^9 bytes a second, read and written, by copies far larger than caches
};

// With that many threads at once; takes about half a second.
MachinePeak measure_peak(int threads);

}  // namespace dovetail::tool
