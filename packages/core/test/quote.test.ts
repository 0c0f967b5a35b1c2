import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { htmlTokens } from '../src/draft/html-tokens.ts'
import { htmlFragment, htmlToText, textToHtml } from '../src/draft/quote-html.ts'
import { quotedHtml, quotedText, textOf } from '../src/draft/quote.ts'

const whole = { withoutSignature: false }
const attribution = 'On 2024-02-29 07:08 UTC, Ann wrote:'

function fragment(html: string): string {
  return htmlFragment(html, whole)
}

describe('a quote in plain text', () => {
  test('marks each line, counts marks and leaves the signature out', () => {
    const text = 'Hello  \n\n> earlier\n>> first\nBye\n-- \nAnn\nBoss\n'
    expect(quotedText({ text, html: null }, attribution)).toBe(
      `${attribution}\n> Hello\n>\n>> earlier\n>>> first\n> Bye\n`,
    )
  })

  test('takes the last signature for one, and no dashes in the text', () => {
    const text = 'a\n-- \nquoted\n--\nAnn'
    expect(quotedText({ text, html: null }, 'x')).toBe('x\n> a\n> --\n> quoted\n')
    expect(quotedText({ text: '--- cut ---\n-- no', html: null }, 'x')).toBe('x\n> --- cut ---\n> -- no\n')
  })

  test('wraps a long attribution, and is nothing where there is no text', () => {
    const name = 'The Society for the Promotion of Very Long Display Names in Electronic Mail'
    const lines = quotedText({ text: ' \n', html: null }, `On some day, ${name} wrote:`).split('\n')
    expect(lines.every((line) => line.length <= 72 && !line.startsWith('>'))).toBe(true)
    expect(lines.length).toBe(3)
  })

  test('is made from the HTML where there is no text', () => {
    const html =
      '<head><title>t</title><style>p{}</style></head><body><p>Dear   <b>all</b>,</p><p>see <a href="https://x.org/a">here</a> &amp; <a href="https://x.org">x.org</a><br>or not</p><ul><li>one<li>two</ul><blockquote>old<blockquote>older</blockquote></blockquote><pre>a\n  b</pre><img alt="logo"></body>'
    expect(textOf({ text: '', html })).toBe(
      'Dear all,\n\nsee here <https://x.org/a> & x.org\nor not\n\n- one\n- two\n\n> old\n>\n>> older\n\na\n  b\n\n[logo]',
    )
  })
})

describe('a quote in HTML', () => {
  test('stands in a blockquote that names the original', () => {
    expect(quotedHtml({ text: '', html: '<body><p>Hi</p></body>' }, 'A & B wrote:', '<1"2%@x>')).toBe(
      '<p>A &amp; B wrote:</p>\n<blockquote type="cite" cite="mid:1%222%25@x"><p>Hi</p></blockquote>\n',
    )
  })

  test('is made from the text where there is no HTML, quotes within as quotes', () => {
    expect(quotedHtml({ text: 'a <b>\n> c\n>> d\n  e\n-- \nme', html: null }, 'x', null)).toBe(
      '<p>x</p>\n<blockquote type="cite">a &lt;b&gt;<blockquote type="cite">c<blockquote type="cite">d</blockquote></blockquote>&nbsp;&nbsp;e</blockquote>\n',
    )
    expect(htmlToText(textToHtml('one\ntwo\n\nthree'), whole)).toBe('one\ntwo\n\nthree')
  })

  test('has no signature that a program marked', () => {
    const html = '<p>Hi</p><div class="x gmail_signature"><div>Ann</div></div><pre class="moz-signature">--</pre>after'
    expect(htmlFragment(html, { withoutSignature: true })).toBe('<p>Hi</p>after')
    expect(fragment(html)).toContain('Ann')
  })

  test.each([
    ['<script>alert(1)</script>a', 'a'],
    ['<SCRIPT\n>x</script >a', 'a'],
    ['<script>"</scr" + "ipt>"</script\n>a', 'a'],
    ['<style>p{}</style><head><base href=x><title>t</title></head>a', 'a'],
    ['<head><meta charset=x><body>a', 'a'],
    ['<svg><script>1</script><svg></svg>b</svg>a', 'a'],
    ['<!-- <b> --><!--><b>a</b><!--->c<!DOCTYPE x><?php <b>?>', '<b>a</b>c?&gt;'],
    ['a<!-- never closed <b>', 'a'],
    ['<p onclick="x" id=a class=b style="color:red;background:url(x)">a', '<p style="color:red">a</p>'],
    ['<a href="javascript:alert(1)">a</a>', '<a>a</a>'],
    ['<a href="java\tscript&colon;alert(1)">a</a>', '<a>a</a>'],
    ['<a href=" &#106;avascript:x">a</a>', '<a>a</a>'],
    ['<a href="https://x/?a=1&amp;b=2">a</a>', '<a href="https://x/?a=1&amp;b=2">a</a>'],
    ['<img src="data:image/svg+xml;base64,x"><img src=cid:a@b>', '<img><img src="cid:a@b">'],
    ['<img src=x onerror=alert(1)//', '<img>'],
    ['</div></blockquote></body>a', 'a'],
    ['<div><b>a</div>c', '<div><b>a</b></div>c'],
    ['<p>a<p>b', '<p>a</p><p>b</p>'],
    ['<table><tr><td>a<td>b<tr><td>c</table>', '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>'],
    ['<form action=x><input value=y><custom-tag>a</custom-tag></form>', 'a'],
    ['1 < 2 <3 <', '1 &lt; 2 &lt;3 &lt;'],
    ['&lt;script&gt;&Omega;&amp;lt;', '&lt;script&gt;&Omega;&amp;lt;'],
    ['<b title="&quot;><script>x</script>">a</b>', '<b title="&quot;&gt;&lt;script&gt;x&lt;/script&gt;">a</b>'],
    [
      '<div style="width:expression(alert(1));position:fixed;font-size:1em">a</div>',
      '<div style="font-size:1em">a</div>',
    ],
    ['<textarea><b>x</textarea><noscript><b>y</noscript>a', 'a'],
    ['<iframe srcdoc="<script>"></iframe><object><p>x</object><embed src=x>a', 'a'],
  ])('keeps of %s only %s', (html, kept) => {
    expect(fragment(html)).toBe(kept)
  })

  test('is well-formed and from the list, whatever comes in, and stays what it is', () => {
    const piece = fc.constantFrom(
      ...'< > </ <! <!-- --> " \' = / a b &lt; & &# <b <p> </p> <script> </script> <style> <img src= javascript: onerror= <svg> </svg> <table> <td> <li> <a\thref= <br/> <blockquote> </blockquote> <head> <body> cid:'.split(
        ' ',
      ),
      ' ',
      '\n',
      '\0',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const written = fragment(pieces.join(''))
        const open: string[] = []
        for (const token of htmlTokens(written)) {
          if (token.kind === 'text') {
            expect(token.source).not.toMatch(/[<>]/)
            continue
          }
          expect(token.name).toMatch(/^(?:b|p|img|table|td|li|a|br|blockquote)$/)
          if (token.kind === 'close') expect(open.pop()).toBe(token.name)
          else if (!['br', 'img'].includes(token.name)) open.push(token.name)
          if (token.kind === 'open') {
            for (const [name, value] of token.attributes) {
              expect(`${name}=${value}`).toMatch(/^(?:src=(?:cid:|https?:)|href=https?:)/)
            }
          }
        }
        expect(open).toEqual([])
        expect(fragment(written)).toBe(written)
      }),
      { numRuns: 3000 },
    )
  })

  test('of a megabyte of half-open tags is made in one pass', () => {
    for (const piece of ['<a ', '<!--', '<b>', '</b', '<a href="', '&#x', '<script>']) {
      fragment(piece.repeat(100_000))
    }
  })
})
