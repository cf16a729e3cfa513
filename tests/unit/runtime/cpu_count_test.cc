// How many processors this process may use: control groups of both versions, and affinity.
#include "runtime/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace dovetail::runtime {
namespace {

namespace fs = std::filesystem;

// A file system as the kernel shows it, in a folder of its own.
class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  int cpus(const std::string& membership) const {
    write("membership", membership);
    return cgroup_cpus(root_ / "membership", root_);
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) /
      (std::string("cgroup_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Cgroup, Version2GivesQuotaOverPeriodRoundedUp) {
  write("app/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpus("0::/app\n"), 2);
  write("app/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpus("0::/app\n"), 4);
  write("app/cpu.max", "1000 100000\n");
  EXPECT_EQ(cpus("0::/app\n"), 1);
}

TEST_F(Cgroup, Version2WithoutALimit) {
  write("app/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus("0::/app\n"), 0);
  EXPECT_EQ(cpus("0::/elsewhere\n"), 0);
}

TEST_F(Cgroup, TheSmallestLimitOfTheGroupsAboveCounts) {
  write("a/cpu.max", "200000 100000\n");
  write("a/b/cpu.max", "max 100000\n");
  write("a/b/c/cpu.max", "800000 100000\n");
  EXPECT_EQ(cpus("0::/a/b/c\n"), 2);
}

TEST_F(Cgroup, APathOfTheHostFallsBackToTheMount) {
  write("cpu.max", "300000 100000\n");
  EXPECT_EQ(cpus("0::/system.slice/docker-1234.scope\n"), 3);
}

TEST_F(Cgroup, Version1) {
  write("cpu/app/cpu.cfs_quota_us", "250000\n");
  write("cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus("5:memory:/app\n4:cpu,cpuacct:/app\n0::/app\n"), 3);
  write("cpu/app/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpus("4:cpu,cpuacct:/app\n"), 0);
}

TEST_F(Cgroup, NoneIsNoLimit) {
  EXPECT_EQ(cpus(""), 0);
  EXPECT_EQ(cpus("damaged\n"), 0);
  EXPECT_EQ(cgroup_cpus(root_ / "absent", root_), 0);
}

TEST(UsableCpus, FollowsTheAffinityOfTheThread) {
  int cpus = 0;
  std::thread([&cpus] {
    cpu_set_t all;
    cpu_set_t one;
    CPU_ZERO(&one);
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    for (int k = 0; k < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++k) {
      if (CPU_ISSET(k, &all)) CPU_SET(k, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    cpus = usable_cpus();
  }).join();
  EXPECT_EQ(cpus, 1);
  EXPECT_GE(usable_cpus(), 1);
}

}  // namespace
}  // namespace dovetail::runtime
