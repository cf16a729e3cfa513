// How many processors this process may use.
#pragma once

#include <filesystem>

namespace dovetail::runtime {

// The smaller of its affinity and its control group's quota, rounded up; at least 1.
int usable_cpus();

// The quota of the control group that `membership` (/proc/self/cgroup) names, or of one above it,
// with the controllers mounted under `mounts` (/sys/fs/cgroup): versions 1 and 2. 0: no limit.
int cgroup_cpus(const std::filesystem::path& membership, const std::filesystem::path& mounts);

}  // namespace dovetail::runtime
