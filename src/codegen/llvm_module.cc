#include "codegen/llvm_module.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/Target.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "base/error.h"
#include "codegen/emit_function.h"

namespace dovetail::codegen {
namespace {

// Called where LLVM cannot go on, and must not return: one line and the exit status of a bug of
// ours, where LLVM would abort after pages of its own.
void on_fatal_error(const char* reason) {
  const std::string_view text(reason);
  const std::string line(text.substr(0, text.find('\n')));
  std::fprintf(stderr, "dovetail: internal error: LLVM: %s\n", line.c_str());
  std::_Exit(70);
}

void initialize_targets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInstallFatalErrorHandler(on_fatal_error);
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  });
}

std::string take_message(char* message) {
  std::string text = message ? message : "";
  LLVMDisposeMessage(message);
  return text;
}

// The machine is the family's baseline: what a function without own level may use.
LLVMTargetMachineRef make_machine(const ir::TargetInfo& info) {
  const std::string triple(info.triple);
  LLVMTargetRef target = nullptr;
  char* message = nullptr;
  if (LLVMGetTargetFromTriple(triple.c_str(), &target, &message)) {
    throw_error(ErrorKind::kInternal, "LLVM has no target {}: {}", triple, take_message(message));
  }
  const std::string cpu = ir::baseline(info).llvm_cpu;
  return LLVMCreateTargetMachine(target, triple.c_str(), cpu.c_str(), "", LLVMCodeGenLevelDefault,
                                 LLVMRelocPIC, LLVMCodeModelSmall);
}

// Does the object hold addresses, which a loader has to relocate?
bool has_addresses(const loop::DataItem& item) {
  if (std::holds_alternative<loop::DataString>(item.node)) return true;
  if (const auto* to = std::get_if<loop::DataPointer>(&item.node)) return !to->symbol.empty();
  const auto* fields = std::get_if<loop::DataStruct>(&item.node);
  return fields && std::any_of(fields->fields.begin(), fields->fields.end(), has_addresses);
}

class DataEmitter {
 public:
  explicit DataEmitter(const ModuleContext& context) : context_(context) {}

  // `here`: to be defined in this module unless it is external.
  void declare(const loop::DataObject& object, bool here) {
    if (object.external && object.function) {
      // Called through its address with the caller's type: the declared one does not matter.
      LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(context_.context), nullptr, 0, 0);
      LLVMSetVisibility(LLVMAddFunction(context_.module, object.name.c_str(), type),
                        LLVMHiddenVisibility);
      return;
    }
    here = here && !object.external;
    LLVMTypeRef type = here ? type_of(object.initial) : LLVMInt8TypeInContext(context_.context);
    LLVMValueRef global = LLVMAddGlobal(context_.module, type, object.name.c_str());
    LLVMSetGlobalConstant(global, 1);
    if (!object.exported) LLVMSetVisibility(global, LLVMHiddenVisibility);
    if (!here) return;
    LLVMSetAlignment(global, static_cast<unsigned>(object.alignment));
    const char* section = has_addresses(object.initial) ? ".data.rel.ro." : ".rodata.";
    LLVMSetSection(global, (section + object.name).c_str());
  }

  void define(const loop::DataObject& object) {
    if (object.external) return;
    LLVMValueRef global = LLVMGetNamedGlobal(context_.module, object.name.c_str());
    LLVMSetInitializer(global, value_of(object.initial));
    if (object.alias.empty()) return;
    LLVMAddAlias2(context_.module, LLVMGlobalGetValueType(global), 0, global, object.alias.c_str());
  }

 private:
  LLVMTypeRef type_of(const loop::DataItem& item) {
    if (const auto* number = std::get_if<loop::DataInt>(&item.node))
      return LLVMIntTypeInContext(context_.context, 8 * number->bytes);
    if (const auto* bytes = std::get_if<loop::DataBytes>(&item.node)) {
      return LLVMArrayType2(LLVMInt8TypeInContext(context_.context), bytes->bytes.size());
    }
    const auto* fields = std::get_if<loop::DataStruct>(&item.node);
    if (!fields) return LLVMPointerTypeInContext(context_.context, 0);
    std::vector<LLVMTypeRef> types;
    for (const loop::DataItem& field : fields->fields) types.push_back(type_of(field));
    return LLVMStructTypeInContext(context_.context, types.data(),
                                   static_cast<unsigned>(types.size()), 0);
  }

  LLVMValueRef value_of(const loop::DataItem& item) {
    if (const auto* number = std::get_if<loop::DataInt>(&item.node))
      return LLVMConstInt(type_of(item), number->value, 0);
    if (const auto* pointer = std::get_if<loop::DataPointer>(&item.node))
      return pointer_to(*pointer);
    if (const auto* text = std::get_if<loop::DataString>(&item.node)) return string(text->text);
    if (const auto* bytes = std::get_if<loop::DataBytes>(&item.node)) {
      return LLVMConstStringInContext2(context_.context, bytes->bytes.data(), bytes->bytes.size(),
                                       1);
    }
    std::vector<LLVMValueRef> values;
    for (const loop::DataItem& field : std::get<loop::DataStruct>(item.node).fields)
      values.push_back(value_of(field));
    return LLVMConstStructInContext(context_.context, values.data(),
                                    static_cast<unsigned>(values.size()), 0);
  }

  LLVMValueRef pointer_to(const loop::DataPointer& pointer) {
    if (pointer.symbol.empty()) return LLVMConstNull(LLVMPointerTypeInContext(context_.context, 0));
    LLVMValueRef target = LLVMGetNamedGlobal(context_.module, pointer.symbol.c_str());
    if (!target) target = LLVMGetNamedFunction(context_.module, pointer.symbol.c_str());
    DOVETAIL_CHECK(target, "a descriptor points to the unknown symbol {}", pointer.symbol);
    if (pointer.addend == 0) return target;
    LLVMValueRef offset = LLVMConstInt(LLVMInt64TypeInContext(context_.context),
                                       static_cast<unsigned long long>(pointer.addend), 1);
    return LLVMConstGEP2(LLVMInt8TypeInContext(context_.context), target, &offset, 1);
  }

  LLVMValueRef string(const std::string& text) {
    LLVMValueRef& global = strings_[text];
    if (global) return global;
    LLVMValueRef content = LLVMConstStringInContext2(context_.context, text.data(), text.size(), 0);
    global = LLVMAddGlobal(context_.module, LLVMTypeOf(content), ".str");
    LLVMSetInitializer(global, content);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(global, 1);
    return global;
  }

  const ModuleContext& context_;
  std::map<std::string, LLVMValueRef> strings_;
};

}  // namespace

LlvmModule::LlvmModule(const loop::Module& module, const Part& part, const ir::TargetInfo& target)
    : context_(LLVMContextCreate()),
      module_(LLVMModuleCreateWithNameInContext("dovetail", context_.get())) {
  initialize_targets();
  machine_.reset(make_machine(target));
  LLVMSetTarget(module_.get(), std::string(target.triple).c_str());
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine_.get());
  LLVMSetModuleDataLayout(module_.get(), layout);
  LLVMDisposeTargetData(layout);

  const ModuleContext context{context_.get(), module_.get(), target};
  for (const loop::Function& function : module.functions) declare_function(context, function);
  DataEmitter data(context);
  for (const loop::DataObject& object : module.data) data.declare(object, part.defines_data);
  if (part.defines_data) {
    for (const loop::DataObject& object : module.data) data.define(object);
  }
  for (const loop::Function* function : part.functions) emit_function(context, *function);

  char* message = nullptr;
  const bool broken = LLVMVerifyModule(module_.get(), LLVMReturnStatusAction, &message) != 0;
  const std::string text = take_message(message);
  DOVETAIL_CHECK(!broken, "LLVM refuses the generated code: {}", text);
}

LLVMMemoryBufferRef LlvmModule::emit(LLVMCodeGenFileType form) const {
  char* message = nullptr;
  LLVMMemoryBufferRef buffer = nullptr;
  if (LLVMTargetMachineEmitToMemoryBuffer(machine_.get(), module_.get(), form, &message, &buffer)) {
    throw_error(ErrorKind::kInternal, "LLVM cannot emit the code: {}", take_message(message));
  }
  return buffer;
}

}  // namespace dovetail::codegen
