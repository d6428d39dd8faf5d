// The types of what `npm run vendor` makes of React, for the type checker.
import * as React from 'react';

export { React };
export function createRoot(container: Element): { render(node: React.ReactNode): void; unmount(): void };
