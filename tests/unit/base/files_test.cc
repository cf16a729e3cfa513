#include "base/files.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>

#include "base/error.h"

namespace dovetail {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "dovetail_files_test";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
  }

  std::string read(const fs::path& path) const {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }

  int64_t entries() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
};

TEST_F(Files, WritesWholeFilesUnderTheirName) {
  const fs::path path = folder_ / "a";
  write_file_atomically(path, bytes("one"));
  EXPECT_EQ(read(path), "one");
  AtomicFile file(path);
  file.write(bytes("two"));
  file.write(bytes("three"));
  EXPECT_EQ(read(path), "one");
  file.commit();
  EXPECT_EQ(read(path), "twothree");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, AFailureLeavesWhatWasThere) {
  const fs::path path = folder_ / "a";
  write_file_atomically(path, bytes("old"));
  {
    AtomicFile first(path);
    first.write(bytes("new"));
    const AtomicFile second(std::move(first));
    EXPECT_EQ(second.path(), path);
    EXPECT_EQ(entries(), 2);
  }
  EXPECT_EQ(read(path), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, OneFileHasManyNames) {
  const fs::path path = folder_ / "a", other = folder_ / "." / "x" / ".." / "a";
  EXPECT_TRUE(is_same_file(path, other));  // neither is there
  EXPECT_FALSE(is_same_file(path, folder_ / "b"));
  fs::create_symlink("a", folder_ / "link");
  fs::create_symlink(folder_ / "link", folder_ / "links");
  EXPECT_TRUE(is_same_file(path, folder_ / "links"));  // which lead to nothing yet
  EXPECT_TRUE(is_same_file(folder_ / "link", other));
  EXPECT_FALSE(is_same_file(folder_ / "link", folder_ / "b"));
  write_file_atomically(path, bytes("one"));
  EXPECT_TRUE(is_same_file(path, folder_ / "." / "a"));
  fs::create_symlink("a", folder_ / "b");
  EXPECT_TRUE(is_same_file(path, folder_ / "b"));
}

TEST_F(Files, ErrorsCarryTheSystemsWords) {
  const std::string missing = (folder_ / "none" / "a").string();
  try {
    write_file_atomically(missing, bytes("x"));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_EQ(error.what(), "cannot write " + missing + ": No such file or directory");
  }
  try {
    MappedFile file(missing);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_EQ(error.what(), "cannot read " + missing + ": No such file or directory");
  }
  EXPECT_THROW(write_file_atomically("/dev/full", bytes("x")), Error);
}

TEST_F(Files, MapsAndReadsBytes) {
  const fs::path path = folder_ / "a";
  write_file_atomically(path, bytes("mapped"));
  const MappedFile file(path);
  ASSERT_EQ(file.bytes().size(), 6u);
  EXPECT_EQ(static_cast<char>(file.bytes()[0]), 'm');
  write_file_atomically(folder_ / "empty", bytes(""));
  EXPECT_TRUE(MappedFile(folder_ / "empty").bytes().empty());
  std::array<std::byte, 4> place{};
  EXPECT_EQ(InputFile(path).size(), 6u);
  EXPECT_EQ(InputFile(path).read(3, place), 3u);
  EXPECT_EQ(static_cast<char>(place[2]), 'd');
  EXPECT_EQ(InputFile(path).read(7, place), 0u);
  EXPECT_THROW(MappedFile{folder_}, Error);
}

}  // namespace
}  // namespace dovetail
