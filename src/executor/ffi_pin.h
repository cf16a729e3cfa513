/* What tvm_ffi's objects need of the library whose code they call. */
#ifndef DOVETAIL_EXECUTOR_FFI_PIN_H_
#define DOVETAIL_EXECUTOR_FFI_PIN_H_

/* Keeps the library that this code is part of in the process until its end. tvm_ffi does not: with
 * load_module(path, keep_module_alive=False) the functions of an executor and the views of its
 * outputs outlive the library. Nothing where there is no loader to ask. */
void dv_ffi_pin_library(void);

#endif /* DOVETAIL_EXECUTOR_FFI_PIN_H_ */
