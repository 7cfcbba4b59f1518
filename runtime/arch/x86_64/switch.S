/*
 * Switch for x86-64, System V ABI. rdi: struct context of who leaves, rsi: of who goes on.
 *
 * Frame on the stack of a coroutine that does not run, from its sp upwards:
 *     r15 r14 r13 r12 rbx rbp return-address
 * (context.c lays out the same for a new one.) The return is an indirect jump: a `ret` would
 * mispredict each time, since the return-address predictor knows only the calls of this stack.
 */

	.text

	.globl	context_switch
	.hidden	context_switch
	.type	context_switch, @function
	.p2align 4
context_switch:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	stmxcsr	8(%rdi)
	fnstcw	12(%rdi)
	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp

	/* Control bits of mxcsr only: its status bits (0 to 5) are the caller's to lose. */
	movl	8(%rdi), %eax
	xorl	8(%rsi), %eax
	testl	$0xffc0, %eax
	jne	1f
2:	movzwl	12(%rdi), %eax
	cmpw	12(%rsi), %ax
	jne	3f
4:
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	jmp	*%rcx
1:	ldmxcsr	8(%rsi)
	jmp	2b
3:	fldcw	12(%rsi)
	jmp	4b
	.cfi_endproc
	.size	context_switch, .-context_switch

/* The first instruction of a coroutine: r12 is its function, r13 the argument. */
	.globl	context_start
	.hidden	context_start
	.type	context_start, @function
	.p2align 4
context_start:
	.cfi_startproc
	.cfi_undefined rip
	movq	%r13, %rdi
	call	*%r12
	ud2
	.cfi_endproc
	.size	context_start, .-context_start

	.section .note.GNU-stack,"",@progbits
