/* IN_FLAVOUR_<flavour>(code) is the code in the file that is compiled for this flavour, nothing in
 * the others. The build defines TR_FLAVOUR and TR_FLAVOUR_<flavour>. */
#ifndef TR_KERNELS_FLAVOURS_H
#define TR_KERNELS_FLAVOURS_H

#define TR_MATRIX_NAME2(id, flavour) tr_k_##id##_##flavour
#define TR_MATRIX_NAME(id, flavour) TR_MATRIX_NAME2(id, flavour)

#ifdef TR_FLAVOUR_avx2
#define IN_FLAVOUR_avx2(...) __VA_ARGS__
#else
#define IN_FLAVOUR_avx2(...)
#endif
#ifdef TR_FLAVOUR_avxvnni
#define IN_FLAVOUR_avxvnni(...) __VA_ARGS__
#else
#define IN_FLAVOUR_avxvnni(...)
#endif
#ifdef TR_FLAVOUR_avx512
#define IN_FLAVOUR_avx512(...) __VA_ARGS__
#else
#define IN_FLAVOUR_avx512(...)
#endif
#ifdef TR_FLAVOUR_vnni512
#define IN_FLAVOUR_vnni512(...) __VA_ARGS__
#else
#define IN_FLAVOUR_vnni512(...)
#endif
#ifdef TR_FLAVOUR_bf16512
#define IN_FLAVOUR_bf16512(...) __VA_ARGS__
#else
#define IN_FLAVOUR_bf16512(...)
#endif
#ifdef TR_FLAVOUR_vnni256
#define IN_FLAVOUR_vnni256(...) __VA_ARGS__
#else
#define IN_FLAVOUR_vnni256(...)
#endif
#ifdef TR_FLAVOUR_amx
#define IN_FLAVOUR_amx(...) __VA_ARGS__
#else
#define IN_FLAVOUR_amx(...)
#endif
#ifdef TR_FLAVOUR_amxint8
#define IN_FLAVOUR_amxint8(...) __VA_ARGS__
#else
#define IN_FLAVOUR_amxint8(...)
#endif

#endif
