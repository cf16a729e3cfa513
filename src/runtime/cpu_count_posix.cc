#include "runtime/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

namespace dovetail::runtime {
namespace {

namespace fs = std::filesystem;

int affinity_cpus() {
  // The kernel refuses a set smaller than its own, so that it grows until it fits.
  for (int cpus = 1024; cpus <= 1 << 16; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (!set) break;
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    const bool known = sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) return count;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

// Processors that quota / period amount to; 0 when either is no positive number ("max", "-1").
int rounded_up(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return 0;
  return static_cast<int>(std::clamp((quota + period - 1) / period, 1.0, 1e6));
}

int read_v2(const fs::path& folder) {
  double quota = 0;
  double period = 0;
  std::ifstream file(folder / "cpu.max");
  return file >> quota >> period ? rounded_up(quota, period) : 0;
}

int read_v1(const fs::path& folder) {
  double quota = 0;
  double period = 0;
  std::ifstream(folder / "cpu.cfs_quota_us") >> quota;
  std::ifstream(folder / "cpu.cfs_period_us") >> period;
  return rounded_up(quota, period);
}

// The smallest limit of `group` and the groups above it, up to the mount itself. In a container the
// path is often that of the host and does not exist here; then the mount is the group.
template <class Read>
int smallest(const fs::path& mount, fs::path group, Read read) {
  int limit = 0;
  for (group = group.relative_path();; group = group.parent_path()) {
    const int own = read(mount / group);
    if (own > 0) limit = limit > 0 ? std::min(limit, own) : own;
    if (group.empty()) return limit;
  }
}

bool lists(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

}  // namespace

int cgroup_cpus(const fs::path& membership, const fs::path& mounts) {
  std::ifstream file(membership);
  // Each line is number:controllers:path; version 2 lists no controllers.
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    int limit = 0;
    if (controllers.empty()) limit = smallest(mounts, group, read_v2);
    if (lists(controllers, "cpu")) limit = smallest(mounts / "cpu", group, read_v1);
    if (limit > 0) return limit;
  }
  return 0;
}

int usable_cpus() {
  const int limit = cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup");
  const int affinity = std::max(affinity_cpus(), 1);
  return limit > 0 ? std::min(limit, affinity) : affinity;
}

}  // namespace dovetail::runtime
