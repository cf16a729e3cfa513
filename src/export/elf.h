// ELF64 little-endian structures, as far as we read and write them (System V gABI, chapter 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace dovetail::exporter::elf {

struct Header {
  uint8_t ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, program_offset, section_offset;
  uint32_t flags;
  uint16_t header_size, program_size, program_count, section_size, section_count, names_index;
};

struct ProgramHeader {
  uint32_t type, flags;
  uint64_t offset, virtual_address, physical_address, file_size, memory_size, alignment;
};

struct SectionHeader {
  uint32_t name, type;
  uint64_t flags, address, offset, size;
  uint32_t link, info;
  uint64_t alignment, entry_size;
};

struct Symbol {
  uint32_t name;
  uint8_t info, other;
  uint16_t section;
  uint64_t value, size;
};

struct Rela {
  uint64_t offset, info;
  int64_t addend;
};

static_assert(sizeof(Header) == 64 && sizeof(ProgramHeader) == 56 && sizeof(SectionHeader) == 64 &&
              sizeof(Symbol) == 24 && sizeof(Rela) == 24);

constexpr uint16_t kRelocatable = 1;  // Header::type
constexpr uint16_t kMachineX86_64 = 62, kMachineAArch64 = 183;
constexpr uint32_t kLoad = 1;  // ProgramHeader::type
constexpr uint32_t kProgBits = 1, kSymbolTable = 2, kStringTable = 3, kRelaTable = 4, kNoBits = 8,
                   kGroup = 17;               // SectionHeader::type
constexpr uint64_t kAlloc = 2;                // SectionHeader::flags
constexpr uint8_t kLocal = 0, kGlobal = 1;    // binding: Symbol::info >> 4
constexpr uint8_t kObject = 1, kSection = 3;  // type: Symbol::info & 15
constexpr uint8_t kHidden = 2;                // visibility: Symbol::other & 3
constexpr uint16_t kUndefined = 0;

template <class T>
T read_at(std::span<const std::byte> bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
void write_at(std::vector<std::byte>& bytes, uint64_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

template <class T>
void append(std::vector<std::byte>& bytes, const T& value) {
  bytes.resize(bytes.size() + sizeof(T));
  write_at(bytes, bytes.size() - sizeof(T), value);
}

inline void align(std::vector<std::byte>& bytes, size_t alignment) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
}

inline std::vector<SectionHeader> sections(std::span<const std::byte> file) {
  const auto header = read_at<Header>(file, 0);
  std::vector<SectionHeader> result(header.section_count);
  std::memcpy(result.data(), file.data() + header.section_offset,
              header.section_count * sizeof(SectionHeader));
  return result;
}

}  // namespace dovetail::exporter::elf
