#include "base/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/error.h"
#include "base/files.h"

namespace dovetail {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> file_of(const std::string& header, size_t data, uint64_t length) {
  std::vector<std::byte> file(8 + header.size() + data);
  std::memcpy(file.data(), &length, 8);
  std::memcpy(file.data() + 8, header.data(), header.size());
  for (size_t k = 0; k < data; ++k) file[8 + header.size() + k] = static_cast<std::byte>(k);
  return file;
}

std::vector<NamedTensor> parsed(const std::vector<std::byte>& file) {
  return parse_safetensors(file, "f");
}

TEST(Safetensors, ReadsWhatItWrites) {
  const fs::path path = fs::path(testing::TempDir()) / "written.safetensors";
  const float floats[] = {1, 2, 3, 4, 5, 6};
  const int64_t ints[] = {-1};
  const bool bools[] = {true, false, true};
  const NamedTensor written[] = {
      {"b", {DV_BOOL, 8, 1}, {3}, std::as_bytes(std::span(bools))},
      {"a \"quoted\"\n\\é", {DV_FLOAT, 32, 1}, {2, 3}, std::as_bytes(std::span(floats))},
      {"scalar", {DV_INT, 64, 1}, {}, std::as_bytes(std::span(ints))},
      {"empty", {DV_FLOAT, 16, 1}, {0, 7}, {}}};
  write_safetensors(path, written);
  const MappedFile file(path);
  const std::vector<NamedTensor> tensors = parse_safetensors(file.bytes(), "f");
  ASSERT_EQ(tensors.size(), 4);  // larger elements first
  EXPECT_EQ(tensors[0].name, "scalar");
  EXPECT_TRUE(tensors[0].shape.empty());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensors[0].data.data()) % 8, 0);
  EXPECT_EQ(tensors[1].name, "a \"quoted\"\n\\é");
  EXPECT_EQ(tensors[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensors[1].dtype.bits, 32);
  EXPECT_EQ(std::memcmp(tensors[1].data.data(), floats, sizeof floats), 0);
  EXPECT_EQ(tensors[2].name, "empty");
  EXPECT_EQ(tensors[3].data.size(), 3);
  fs::remove(path);
}

struct Unwritable {
  NamedTensor tensor;
  const char* message;
};

class SafetensorsWriting : public testing::TestWithParam<Unwritable> {};

TEST_P(SafetensorsWriting, RefusesWhatCouldNotBeRead) {
  const fs::path path = fs::path(testing::TempDir()) / "refused.safetensors";
  fs::remove(path);
  const NamedTensor good{"good", {DV_UINT, 8, 1}, {0}, {}};
  try {
    write_safetensors(path, std::vector{good, GetParam().tensor});
    FAIL() << "no error, expected: " << GetParam().message;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), path.string() + ": " + GetParam().message);
  }
  EXPECT_FALSE(fs::exists(path));
}

constexpr std::byte kBytes[32] = {};
constexpr std::span kNothing(static_cast<const std::byte*>(nullptr), 24);

INSTANTIATE_TEST_SUITE_P(
    Tensor, SafetensorsWriting,
    testing::Values(
        Unwritable{{"a", {5, 128, 1}, {2}, kBytes},
                   "tensor 'a' has a dtype of code 5, 128 bits and lanes 1, which the format does "
                   "not have; convert it to one of F64, F32, F16, I64, BF16, I32, I16, I8, U64, "
                   "U32, U16, U8, BOOL"},
        Unwritable{{"a", {DV_INT, 4, 1}, {2}, std::span(kBytes).first(1)},
                   "tensor 'a' has a dtype of code 0, 4 bits and lanes 1, which the format does "
                   "not have; convert it to one of F64, F32, F16, I64, BF16, I32, I16, I8, U64, "
                   "U32, U16, U8, BOOL"},
        Unwritable{{"a", {DV_FLOAT, 32, 2}, {4}, kBytes},
                   "tensor 'a' has a dtype of code 2, 32 bits and lanes 2, which the format does "
                   "not have; convert it to one of F64, F32, F16, I64, BF16, I32, I16, I8, U64, "
                   "U32, U16, U8, BOOL"},
        Unwritable{{"a\xff", {DV_FLOAT, 32, 1}, {8}, kBytes},
                   "no tensor in the file can be called 'a\\xff': names are UTF-8"},
        Unwritable{{"__metadata__", {DV_FLOAT, 32, 1}, {8}, kBytes},
                   "no tensor in the file can be called '__metadata__'"},
        Unwritable{{"a", {DV_FLOAT, 32, 1}, {-2, -4}, kBytes},
                   "tensor 'a' of shape [-2,-4] has a negative extent"},
        Unwritable{{"a", {DV_FLOAT, 32, 1}, {6}, kNothing},
                   "tensor 'a' of shape [6] has no data: its pointer is NULL"}));

TEST(Safetensors, AFileOfNoTensorsIsWhole) {
  EXPECT_TRUE(parsed(file_of("{}", 0, 2)).empty());
  EXPECT_TRUE(parsed(file_of(R"({"__metadata__":{"format":"pt"}}   )", 0, 35)).empty());
}

TEST(Safetensors, EscapesInNames) {
  const std::string header =
      R"( {"\u00e9\ud83d\ude00\t\/":{"data_offsets":[0,1],"shape":[],"dtype":"U8"}})";
  const std::string spaced = "{" + header.substr(2);
  EXPECT_EQ(parsed(file_of(spaced, 1, spaced.size()))[0].name, "é😀\t/");
}

struct Case {
  const char* header;
  size_t data;
  const char* message;
};

class SafetensorsRefusal : public testing::TestWithParam<Case> {};

TEST_P(SafetensorsRefusal, SaysWhatIsWrong) {
  const Case& c = GetParam();
  try {
    parsed(file_of(c.header, c.data, std::strlen(c.header)));
    FAIL() << "no error, expected: " << c.message;
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), c.message);
  }
}

#define TENSOR(dtype, shape, offsets) \
  "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

INSTANTIATE_TEST_SUITE_P(
    Header, SafetensorsRefusal,
    testing::Values(
        Case{"[]", 0, "f: not a safetensors file: its header does not begin with '{'"},
        Case{" {}", 0, "f: not a safetensors file: its header does not begin with '{'"},
        Case{"{", 0, "f: not a safetensors file: it has 9 bytes"},
        Case{"{ ", 0, "f: header, byte 2: expected '\"'"},
        Case{"{}x", 0, "f: header, byte 2: expected its end"},
        Case{"{\"a\":1}", 0, "f: header, byte 5: expected '{'"},
        Case{"{\"a\xff\":1}", 0, "f: header, byte 3: expected UTF-8"},
        Case{"{\"\xc0\x80\":1}", 0, "f: header, byte 2: expected UTF-8"},
        Case{"{\"\xed\xa0\x80\":1}", 0, "f: header, byte 2: expected UTF-8"},
        Case{"{\"\\ud800x\":1}", 0,
             "f: header, byte 8: expected the second half of a surrogate pair"},
        Case{"{\"\\q\":1}", 0, "f: header, byte 3: expected an escape of JSON"},
        Case{"{\"a\n\":1}", 0, "f: header, byte 3: expected no control character in a string"},
        Case{"{\"a\":{}}", 0, "f: tensor 'a' must have a dtype, a shape and two data_offsets"},
        Case{"{\"a\":{\"shape\":[],\"shape\":[]}}", 0, "f: tensor 'a' has a field twice"},
        Case{"{\"a\":{\"kind\":1}}", 0,
             "f: tensor 'a' has a field 'kind', which the format does not have"},
        Case{"{\"a\":" TENSOR("U8", "01", "0,1") "}", 1,
             "f: header, byte 29: expected a number without leading zeros"},
        Case{"{\"a\":" TENSOR("U8", "-1", "0,1") "}", 1,
             "f: header, byte 28: expected a whole number"},
        Case{"{\"a\":" TENSOR("U8", "1.0", "0,1") "}", 1, "f: header, byte 29: expected ']'"},
        Case{"{\"a\":" TENSOR("U8", "9223372036854775808", "0,1") "}", 1,
             "f: header, byte 46: expected a number below 2^63"},
        Case{"{\"a\":" TENSOR("F32", "9223372036854775807", "0,1") "}", 1,
             "f: tensor 'a' of shape [9223372036854775807] is too large"},
        Case{"{\"a\":" TENSOR("F8_E4M3", "1", "0,1") "}", 1,
             "f: tensor 'a' has dtype 'F8_E4M3'; those that can be read are F64, F32, F16, I64, "
             "BF16, "
             "I32, I16, I8, U64, U32, U16, U8, BOOL"},
        Case{"{\"a\":" TENSOR("F32", "2", "0,7") "}", 7,
             "f: tensor 'a' has 7 bytes, but F32 of shape [2] has 8"},
        Case{
            "{\"a\":" TENSOR("F32", "2", "0,8") "}", 7,
            "f: tensor 'a' lies at bytes 0 to 8 of the data, of which there are 7: the file is cut "
            "off or damaged"},
        Case{
            "{\"a\":" TENSOR("U8", "2", "2,0") "}", 2,
            "f: tensor 'a' lies at bytes 2 to 0 of the data, of which there are 2: the file is cut "
            "off or damaged"},
        Case{
            "{\"a\":" TENSOR("U8", "2", "0,2") ",\"b\":" TENSOR("U8", "2", "1,3") "}", 3,
            "f: tensor 'b' begins at byte 1 of the data, expected 2, where the one before it ends"},
        Case{
            "{\"a\":" TENSOR("U8", "2", "0,2") ",\"b\":" TENSOR("U8", "2", "3,5") "}", 5,
            "f: tensor 'b' begins at byte 3 of the data, expected 2, where the one before it ends"},
        Case{"{\"a\":" TENSOR("U8", "2", "0,2") "}", 3,
             "f: the tensors end at byte 2 of 3 bytes of data"},
        Case{"{\"a\":" TENSOR("U8", "2", "0,2") ",\"a\":" TENSOR("U8", "0", "2,2") "}", 2,
             "f: tensor 'a' is there twice"}));

TEST(Safetensors, RefusesAFileCutAnywhere) {
  const std::string header = "{\"a\":" TENSOR("F32", "2", "0,8") "}";
  const std::vector<std::byte> whole = file_of(header, 8, header.size());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parse_safetensors(std::span(whole).first(size), "f"), Error) << size;
  }
  EXPECT_EQ(parsed(whole).size(), 1);
}

TEST(Safetensors, RefusesAHeaderBeyondTheFile) {
  for (const uint64_t length : {uint64_t{3}, uint64_t{100'000'001}, UINT64_MAX}) {
    EXPECT_THROW(parsed(file_of("{}", 0, length)), Error);
  }
}

}  // namespace
}  // namespace dovetail
